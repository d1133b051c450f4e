"""Resumable demuxer for FLAC (RFC 9639).

Frames don't name their length: one ends where the next begins. A sync code counts as the next frame's if its header's
checksum is right, describes the same stream, and continues the numbering; so the numbers tell the time after a loss too.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from segmenter_service.audio import codecs
from segmenter_service.audio.packet_duration import flac_samples, utf8_length
from segmenter_service.audio.packets import Codec, Item, Lost, Malformed, Packet, Start, Unreadable

MAGIC: Final = b"fLaC"
_SYNC = re.compile(b"\xff[\xf8\xf9]")
_MAX_HEAD_BYTES: Final = 16
_STREAM_INFO_BYTES: Final = 34
_BLOCK_HEAD_BYTES: Final = 4


def _crc8_table() -> bytes:
    table = bytearray(256)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value << 1 ^ 7) & 0xFF if value & 0x80 else value << 1
        table[byte] = value
    return bytes(table)


_CRC8 = _crc8_table()


class FlacDemuxer(msgspec.Struct, tag="flac"):
    """The fields are all that is carried from chunk to chunk."""

    carry: bytes = b""
    skip_bytes: int = 0
    """Still to come of a metadata block that nobody reads."""
    codec: Codec | None = None
    last_block: bool = False
    """The metadata block that is being read or skipped is the last one."""
    in_frames: bool = False
    """The metadata is over."""
    number: int | None = None
    """Of the frame that `carry` begins with; None when it begins with none."""
    in_step: bool = False
    scanned: int = 0
    """So many bytes of `carry` were searched."""

    def feed(self, data: bytes) -> Iterator[Item]:
        """See `Demuxer`."""
        self.carry += data
        if not self.in_frames:
            yield from self._metadata()
        if self.in_frames:
            yield from self._frames(ended=False)

    def lost(self) -> None:
        """See `Demuxer`."""
        self.carry, self.number, self.scanned, self.in_step = b"", None, 0, False
        self.skip_bytes = 0
        self.in_frames = self.codec is not None

    def finish(self) -> Iterator[Item]:
        """See `Demuxer`."""
        if not self.in_frames:
            raise Unreadable("the FLAC header ends before the first frame", reason="truncated_header")
        yield from self._frames(ended=True)
        if self.number is not None and self.in_step:
            yield self._packet(self.carry)
        self.carry = b""

    def _metadata(self) -> Iterator[Item]:
        if self.codec is None:
            needed = len(MAGIC) + _BLOCK_HEAD_BYTES + _STREAM_INFO_BYTES
            if len(self.carry) < needed:
                return
            if self.carry[4] & 0x7F != 0:
                raise Unreadable("FLAC does not begin with STREAMINFO", reason="corrupt_header")
            try:
                self.codec, _ = codecs.flac(self.carry[needed - _STREAM_INFO_BYTES : needed])
            except Malformed as error:
                raise Unreadable(f"the FLAC header can't be read: {error}", reason="corrupt_header") from error
            yield Start(self.codec)
            self.last_block = self.carry[4] >= 0x80
            self.carry = self.carry[needed:]
        while not self.in_frames:
            skipped = min(self.skip_bytes, len(self.carry))
            self.skip_bytes -= skipped
            self.carry = self.carry[skipped:]
            if self.skip_bytes:
                return
            if self.last_block:
                self.in_frames = True
            elif len(self.carry) < _BLOCK_HEAD_BYTES:
                return
            else:
                self.last_block = self.carry[0] >= 0x80
                self.skip_bytes = _BLOCK_HEAD_BYTES + int.from_bytes(self.carry[1:4], "big")

    def _frames(self, *, ended: bool) -> Iterator[Item]:
        buffer, begin, limit = self.carry, 0, self._max_frame_bytes()
        while (found := _SYNC.search(buffer, begin + self.scanned)) is not None:
            at = found.start()
            if self.number is not None and at - begin > limit:
                begin += 1
                yield self._out_of_step()
                continue
            if len(buffer) - at < _MAX_HEAD_BYTES and not ended:
                self.scanned = at - begin
                break
            number = _frame_number(buffer, at)
            self.scanned = at + 1 - begin
            if number is None:
                continue
            if self.number is not None and number == self._next_number(buffer, begin) and _are_alike(buffer, begin, at):
                self.in_step = True
                yield self._packet(buffer[begin:at])
            elif self.in_step:
                continue  # what looked like the next frame's beginning was none; out of step, the open one's was none
            begin, self.number, self.scanned = at, number, 1
        else:
            self.scanned = max(0, len(buffer) - begin - 1)
            if self.number is None:
                begin, self.scanned = begin + self.scanned, 0
            elif self.scanned > limit:
                begin += 1
                yield self._out_of_step()
        self.carry = buffer[begin:]

    def _out_of_step(self) -> Lost:
        self.number, self.scanned, self.in_step = None, 0, False
        return Lost("FLAC: a frame has no end")

    def _next_number(self, buffer: bytes, begin: int) -> int:
        """Of the frame after the one at `begin`: variable blocks are numbered by their first sample."""
        is_variable = buffer[begin + 1] & 1 == 1
        return (self.number or 0) + (flac_samples(buffer[begin : begin + _MAX_HEAD_BYTES]) if is_variable else 1)

    def _max_frame_bytes(self) -> int:
        """What a frame of uncompressed samples would take, with room to spare."""
        codec = self.codec
        if codec is None:
            return 0
        block_samples = int.from_bytes(codec.extradata[2:4], "big")
        return 1_024 + block_samples * codec.channels * 5

    def _packet(self, data: bytes) -> Packet:
        codec, number = self.codec, self.number or 0
        first_sample = number * (1 if data[1] & 1 else int.from_bytes(codec.extradata[:2], "big") if codec else 0)
        return Packet(data, flac_samples(data), first_sample * 1_000_000 // codec.rate if codec else None)


def _are_alike(buffer: bytes, begin: int, at: int) -> bool:
    """Two frames have blocking strategy, rate and sample size in common."""
    one, other = buffer[begin : begin + 4], buffer[at : at + 4]
    return one[1] == other[1] and (one[2] ^ other[2]) & 0x0F == 0 and (one[3] ^ other[3]) & 0x0F == 0


def _frame_number(buffer: bytes, at: int) -> int | None:
    """The frame or sample number of the frame header at `at`; None when there is no sound header."""
    if len(buffer) - at < 6 or buffer[at + 2] >> 4 == 0 or buffer[at + 2] & 15 == 15 or buffer[at + 3] & 1:
        return None
    length = utf8_length(buffer[at + 4])
    block_code, rate_code = buffer[at + 2] >> 4, buffer[at + 2] & 15
    extra = {6: 1, 7: 2}.get(block_code, 0) + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    end = at + 4 + length + extra
    if not length or end >= len(buffer):
        return None
    checksum = 0
    for byte in buffer[at:end]:
        checksum = _CRC8[checksum ^ byte]
    if checksum != buffer[end]:
        return None
    number = buffer[at + 4] & (0x7F if length == 1 else (1 << 7 - length) - 1)
    for byte in buffer[at + 5 : at + 4 + length]:
        number = number << 6 | byte & 0x3F
    return number
