"""Resumable demuxer for WAV. Packets last 20 ms; a data size of 0 or 2³²−1 is a stream's: read to its end.

Formats that are not plain PCM, A-law or µ-law are left to the whole-file reader.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from segmenter_service.audio import codecs
from segmenter_service.audio.packet_duration import Meter
from segmenter_service.audio.packets import Codec, Item, Malformed, NeedsWholeFile, Packet, Start, Unreadable

PACKETS_PER_S: Final = 50
UNTIL_THE_END: Final = 1 << 62
_STREAMING_SIZES = {0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0x7FFFF000}
"""What encoders write when they don't know the size yet."""
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_MAX_FMT_BYTES: Final = 4_096
_MAX_SKIP_BYTES: Final = 1 << 26


class WavDemuxer(msgspec.Struct, tag="wav"):
    """The fields are all that is carried from chunk to chunk."""

    carry: bytes = b""
    skip_bytes: int = 0
    """Still to come of a RIFF chunk that nobody reads."""
    data_bytes: int = 0
    """Still to come of the samples; 0: not among the samples."""
    padded: bool = False
    """A byte follows the samples to make their size even."""
    packet_bytes: int = 0
    meter: Meter | None = None

    def feed(self, data: bytes) -> Iterator[Item]:
        """See `Demuxer`."""
        buffer, at = self.carry + data, 0
        self.carry = b""
        while True:
            skipped = min(self.skip_bytes, len(buffer) - at)
            self.skip_bytes -= skipped
            at += skipped
            if self.data_bytes:
                size = min(self.packet_bytes, self.data_bytes)
                if self.skip_bytes or len(buffer) - at < size:
                    break
                yield from self._samples(buffer[at : at + size])
                at += size
            else:
                needed = _head_bytes(buffer, at)
                if self.skip_bytes or len(buffer) - at < needed:
                    break
                yield from self._riff_chunk(buffer[at : at + needed])
                at += needed
        self.carry = buffer[at:]

    def lost(self) -> None:
        """See `Demuxer`. Samples bear no marks: what comes next is taken to begin with a whole one."""
        self.carry = b""
        self.skip_bytes = 0
        self.data_bytes = (
            UNTIL_THE_END if self.packet_bytes else 0
        )  # before the format comes, samples would be taken none at a time

    def finish(self) -> Iterator[Item]:
        """See `Demuxer`. The last packet may be short."""
        if self.meter is None:
            raise Unreadable("the WAV header ends before it names a format", reason="truncated_header")
        if self.data_bytes and self.carry:
            yield from self._samples(self.carry)
            self.carry = b""

    def _samples(self, data: bytes) -> Iterator[Item]:
        self.data_bytes -= len(data)
        if self.data_bytes == 0 and self.padded:
            self.skip_bytes = 1
        if self.meter is not None and (samples := self.meter.samples(data)):
            yield Packet(data[: samples * self.meter.unit], samples)

    def _riff_chunk(self, head: bytes) -> Iterator[Item]:
        name, size = head[:4], int.from_bytes(head[4:8], "little")
        if name == b"RIFF" and head[8:12] == b"WAVE":
            self.meter = None
        elif name == b"fmt ":
            yield from self._format(head[8:])
            self.skip_bytes = size + size % 2 - len(head[8:])
        elif name == b"data":
            if self.meter is None:
                raise Unreadable("the WAV file has samples before their format", reason="corrupt_header")
            streaming = size in _STREAMING_SIZES
            self.data_bytes = UNTIL_THE_END if streaming else size
            self.padded = size % 2 == 1 and not streaming
        elif size > _MAX_SKIP_BYTES and self.meter is None:
            raise Unreadable("the WAV header has an implausibly long part", reason="corrupt_header")
        else:
            self.skip_bytes = size + size % 2

    def _format(self, fmt: bytes) -> Iterator[Item]:
        if len(fmt) < 16:
            raise Unreadable("the WAV header's format is too short", reason="corrupt_header")
        try:
            known = _codec_of(fmt)
        except Malformed as error:
            raise Unreadable(f"the WAV header can't be read: {error}", reason="corrupt_header") from error
        if known is None:
            yield NeedsWholeFile()
            return
        codec, self.meter = known
        self.packet_bytes = max(1, codec.rate // PACKETS_PER_S) * self.meter.unit
        yield Start(codec)


def _head_bytes(buffer: bytes, at: int) -> int:
    """How much of the RIFF chunk at `at` is read at once: its name and size, and what names a format."""
    name = buffer[at : at + 4]
    if name == b"RIFF":
        return 12
    if name == b"fmt ":
        return 8 + min(int.from_bytes(buffer[at + 4 : at + 8], "little"), _MAX_FMT_BYTES)
    return 8


def _codec_of(fmt: bytes) -> tuple[Codec, Meter] | None:
    """The codec of a WAVEFORMATEX, None for what is no PCM. Raises `Malformed`."""
    tag, channels, rate = (int.from_bytes(fmt[a:b], "little") for a, b in ((0, 2), (2, 4), (4, 8)))
    frame_bytes = int.from_bytes(fmt[12:14], "little")
    if tag == _EXTENSIBLE and len(fmt) >= 26:
        tag = int.from_bytes(fmt[24:26], "little")  # the subformat's GUID begins with the plain tag
    if not channels or frame_bytes % channels:
        raise Malformed(f"{channels} channels in {frame_bytes} bytes")
    bits = frame_bytes // channels * 8
    names = {
        _PCM: codecs.pcm_name(bits, is_float=False),
        _FLOAT: codecs.pcm_name(bits, is_float=True),
        _ALAW: "pcm_alaw",
        _MULAW: "pcm_mulaw",
    }
    name = names.get(tag)
    return codecs.pcm(name, rate, channels) if name else None
