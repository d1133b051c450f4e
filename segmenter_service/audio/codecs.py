"""Codecs as containers describe them, in libavcodec's terms. Pure.

Also normalises: the Opus head loses its pre-skip (it is dropped once, at the start of the stream, not by every decoder).
"""

from segmenter_service.audio.packet_duration import OPUS_RATE, Meter, vorbis_block_sizes
from segmenter_service.audio.packets import Codec, Malformed

AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_PCM_BITS = {8: "pcm_u8", 16: "pcm_s16le", 24: "pcm_s24le", 32: "pcm_s32le"}
_FLOAT_BITS = {32: "pcm_f32le", 64: "pcm_f64le"}


def opus(head: bytes) -> tuple[Codec, Meter]:
    """From an OpusHead (RFC 7845, 5.1). Raises `Malformed`."""
    if len(head) < 19 or not head.startswith(b"OpusHead"):
        raise Malformed("OpusHead is missing or too short")
    pre_skip = int.from_bytes(head[10:12], "little")
    extradata = head[:10] + b"\0\0" + head[12:]
    return Codec("opus", OPUS_RATE, head[9], extradata, pre_skip).checked(), Meter("opus")


def vorbis(headers: list[bytes]) -> tuple[Codec, Meter]:
    """From the three header packets. Raises `Malformed`."""
    identification, comment, setup = headers
    if not identification.startswith(b"\x01vorbis") or not setup.startswith(b"\x05vorbis"):
        raise Malformed("Vorbis headers are missing")
    block_sizes = vorbis_block_sizes(headers)
    comment = b"\x03vorbis" + bytes(8) + b"\x01"  # nobody reads it here, and it may hold a picture
    lacing = b"".join(
        b"\xff" * (len(header) // 255) + bytes([len(header) % 255]) for header in (identification, comment)
    )
    extradata = b"\x02" + lacing + identification + comment + setup
    rate = int.from_bytes(identification[12:16], "little")
    return Codec("vorbis", rate, identification[11], extradata).checked(), Meter("vorbis", block_sizes=block_sizes)


def vorbis_headers(private: bytes) -> list[bytes]:
    """The three header packets from Matroska's CodecPrivate (Xiph lacing). Raises `Malformed`."""
    if not private or private[0] != 2:
        raise Malformed("Vorbis CodecPrivate does not hold three headers")
    at, sizes = 1, []
    for _ in range(2):
        size = 0
        while at < len(private) and private[at] == 0xFF:
            size, at = size + 255, at + 1
        if at >= len(private):
            raise Malformed("Vorbis CodecPrivate is too short")
        sizes.append(size + private[at])
        at += 1
    first, second = at + sizes[0], at + sizes[0] + sizes[1]
    return [private[at:first], private[first:second], private[second:]]


def aac(config: bytes, delay_ns: int = 0) -> tuple[Codec, Meter]:
    """From an AudioSpecificConfig (ISO 14496-3, 1.6). Raises `Malformed`."""
    if len(config) < 2:
        raise Malformed("AudioSpecificConfig is too short")
    bits = int.from_bytes(config[:8].ljust(8, b"\0"), "big")
    at = 64

    def take(count: int) -> int:
        nonlocal at
        at -= count
        return bits >> at & (1 << count) - 1

    object_type = take(5)
    if object_type == 31:
        object_type = 32 + take(6)
    index = take(4)
    rate = take(24) if index == 15 else AAC_RATES[index] if index < len(AAC_RATES) else 0
    channels = take(4)
    short_frames = object_type in {1, 2, 3, 4} and take(1)
    codec = Codec("aac", rate, {7: 8}.get(channels, channels) or 2, config, samples_in(delay_ns, rate)).checked()
    return codec, Meter("aac", unit=960 if short_frames else 1_024)


def flac(stream_info: bytes) -> tuple[Codec, Meter]:
    """From the 34 bytes of STREAMINFO (RFC 9639, 8.2). Raises `Malformed`."""
    if len(stream_info) < 34:
        raise Malformed("FLAC STREAMINFO is too short")
    packed = int.from_bytes(stream_info[10:18], "big")
    rate, channels = packed >> 44, (packed >> 41 & 7) + 1
    return Codec("flac", rate, channels, stream_info[:34]).checked(), Meter("flac")


def mp3(rate: int, channels: int, delay: int = 0) -> tuple[Codec, Meter]:
    """From a frame header. Raises `Malformed`."""
    return Codec("mp3float", rate, channels, b"", delay).checked(), Meter("mp3float")


def samples_in(delay_ns: int, rate: int) -> int:
    """The whole number of samples that a container rounded to nanoseconds."""
    return (rate * delay_ns + 500_000_000) // 1_000_000_000


def pcm(name: str, rate: int, channels: int) -> tuple[Codec, Meter]:
    """libavcodec's PCM codec `name`, e.g. pcm_s16le. Raises `Malformed`."""
    unit = sample_bytes(name) * channels
    return Codec(name, rate, channels).checked(), Meter(name, unit=unit)


def pcm_name(bits: int, *, is_float: bool) -> str | None:
    """libavcodec's name for little-endian PCM of so many bits; None when there is none."""
    return (_FLOAT_BITS if is_float else _PCM_BITS).get(bits)


def sample_bytes(name: str) -> int:
    """Bytes of one sample of one channel of the PCM codec `name`."""
    if name in {"pcm_alaw", "pcm_mulaw"}:
        return 1
    return int("".join(digit for digit in name if digit.isdigit())) // 8
