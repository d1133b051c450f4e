"""How long a packet lasts, from its own first bytes. Containers round, guess or omit it; the codec knows. Pure."""

from typing import Final

import msgspec

from segmenter_service.audio.packets import Malformed

OPUS_RATE: Final = 48_000
AAC_FRAME: Final = 1_024
_SILK = (480, 960, 1_920, 2_880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_MAX_OPUS_SAMPLES: Final = 5_760
_FLAC_BLOCK_SIZES = (0, 192, 576, 1_152, 2_304, 4_608, 0, 0, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768)


def opus_samples(packet: bytes) -> int:
    """Samples at 48 kHz of an Opus packet (RFC 6716, 3.1); 0 for what is no Opus packet."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = _SILK[config & 3]
    elif config < 16:
        frame = _HYBRID[config & 1]
    else:
        frame = _CELT[config & 3]
    counted = packet[1] & 63 if len(packet) > 1 else 0
    samples = frame * (1, 2, 2, counted)[code]
    return samples if samples <= _MAX_OPUS_SAMPLES else 0


def mp3_samples(packet: bytes) -> int:
    """Samples of an MPEG audio layer III frame."""
    mpeg1 = len(packet) > 1 and packet[1] >> 3 & 3 == 3
    return 1_152 if mpeg1 else 576


def flac_samples(packet: bytes) -> int:
    """Samples of a FLAC frame (RFC 9639, 9.1); 0 for what is no frame."""
    if len(packet) < 7:
        return 0
    code = packet[2] >> 4
    if code not in {6, 7}:
        return _FLAC_BLOCK_SIZES[code]
    at = 4 + utf8_length(packet[4])
    return int.from_bytes(packet[at : at + (1 if code == 6 else 2)], "big") + 1


def utf8_length(first: int) -> int:
    """Bytes of the UTF-8-like number that begins with the byte `first`; 0 when it can't begin one."""
    if first < 0x80:
        return 1
    ones = 8 - (first ^ 0xFF).bit_length()
    return ones if 2 <= ones <= 7 else 0


def vorbis_block_sizes(headers: list[bytes]) -> tuple[int, ...]:
    """Block size of each mode, from identification, comment and setup header (Vorbis I, 4.2). Raises `Malformed`.

    The modes stand at the end of the setup header, behind codebooks that one would have to decode to get past: so they
    are read from the end backwards. Bits are packed from the least significant one, so an integer's top is the end.
    """
    identification, _, setup = headers
    if len(identification) < 30:
        raise Malformed("Vorbis identification header is too short")
    short, long = 1 << (identification[28] & 15), 1 << (identification[28] >> 4)
    bits = int.from_bytes(setup, "little")
    end = bits.bit_length() - 1  # the framing bit is the last that is set
    flags: list[int] = []
    found: tuple[int, ...] = ()
    while end > 47 and len(flags) < 64:
        end -= 41
        mode = bits >> end & (1 << 41) - 1
        if mode >> 1 & 0xFFFFFFFF or mode >> 33 > 63:  # window and transform type are always 0
            break
        flags.insert(0, mode & 1)
        if (bits >> end - 6 & 63) + 1 == len(flags):
            found = tuple(flags)
    if not found:
        raise Malformed("Vorbis setup header has no modes")
    return tuple(long if flag else short for flag in found)


class Meter(msgspec.Struct, array_like=True):
    """Durations of one stream's packets, in order."""

    codec: str
    unit: int = 0
    """PCM: bytes of one sample of all channels. AAC: samples of a packet."""
    block_sizes: tuple[int, ...] = ()
    """Vorbis: block size by mode."""
    previous_block: int = 0
    """Vorbis: a packet's samples overlap with those of the one before it."""

    def samples(self, packet: bytes) -> int:
        """Duration of the next packet, in samples at the codec's rate."""
        if self.codec == "opus":
            return opus_samples(packet)
        if self.codec == "aac":
            return self.unit or AAC_FRAME
        if self.codec == "mp3float":
            return mp3_samples(packet)
        if self.codec == "flac":
            return flac_samples(packet)
        if self.codec == "vorbis":
            return self._vorbis_samples(packet)
        return len(packet) // (self.unit or 1)

    def interrupt(self) -> None:
        """Packets are missing here."""
        self.previous_block = 0

    def _vorbis_samples(self, packet: bytes) -> int:
        if not packet or packet[0] & 1:
            return 0
        mode = packet[0] >> 1 & (1 << (len(self.block_sizes) - 1).bit_length()) - 1
        block = self.block_sizes[mode] if mode < len(self.block_sizes) else 0
        previous, self.previous_block = self.previous_block, block
        return (previous + block) // 4 if previous else 0
