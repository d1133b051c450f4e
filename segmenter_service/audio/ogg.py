"""Resumable demuxer for Ogg (RFC 3533) with Opus or Vorbis; other codecs in Ogg are left to the whole-file reader.

A page counts only if its checksum is right, so a lost chunk cannot put pieces of two pages together. Timestamps come from
granule positions, which name the end of the last packet that a page completes. A stream that follows another is a new start.
"""

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from segmenter_service.audio import codecs
from segmenter_service.audio.packet_duration import Meter
from segmenter_service.audio.packets import (
    Codec,
    Item,
    Lost,
    Malformed,
    NeedsWholeFile,
    Packet,
    Start,
    Unreadable,
    clock_us,
)

CAPTURE: Final = b"OggS"
_HEAD_BYTES: Final = 27
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_MAX_PACKET_BYTES: Final = 1 << 20
_NO_GRANULE: Final = 1 << 63
"""Positions are signed, and a negative one says nothing (-1: no packet ends on the page)."""
_HEADER_PACKETS = {"opus": 2, "vorbis": 3}
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Page(NamedTuple):
    flags: int
    granule: int
    serial: int
    sequence: int
    pieces: list[bytes]
    """Of packets: all but the last are complete."""
    ends_in_packet: bool
    """The last piece goes on with the next page."""
    size: int


class OggDemuxer(msgspec.Struct, tag="ogg"):
    """The fields are all that is carried from chunk to chunk."""

    carry: bytes = b""
    serial: int | None = None
    """The stream that is read; None until its first page."""
    kind: str = ""
    headers: list[bytes] = []
    codec: Codec | None = None
    """None until all header packets came."""
    meter: Meter | None = None
    partial: bytes | None = None
    """Beginning of a packet that goes on with the next page."""
    next_sequence: int | None = None
    granule: int | None = 0
    """Samples up to the end of the last page; None after a loss."""

    def feed(self, data: bytes) -> Iterator[Item]:
        """See `Demuxer`."""
        buffer, at = self.carry + data, 0
        self.carry = b""
        while True:
            begin = buffer.find(CAPTURE, at)
            if begin < 0:
                begin = max(at, len(buffer) - len(CAPTURE) + 1)
                if CAPTURE.startswith(buffer[begin:]):
                    break
                begin += 1
                at = begin
                continue
            at = begin
            page = _page(buffer, at)
            if page is None:
                break
            if isinstance(page, Malformed):
                yield self._interrupted(str(page))
                at += 1
            else:
                yield from self._read(page)
                at += page.size
        self.carry = buffer[begin:]

    def lost(self) -> None:
        """See `Demuxer`."""
        self.carry = b""
        self._interrupted("")
        self.next_sequence = None

    def finish(self) -> Iterator[Item]:
        """See `Demuxer`. A page that was never completed is dropped."""
        if self.codec is None:
            raise Unreadable("the Ogg headers end before they describe an audio stream", reason="truncated_header")
        yield from ()

    def _interrupted(self, problem: str) -> Lost:
        self.partial = self.granule = None
        if self.meter:
            self.meter.interrupt()
        return Lost(f"Ogg: {problem}")

    def _read(self, page: _Page) -> Iterator[Item]:
        if page.flags & _FIRST:
            self._first_page(page)
        elif self.serial is None:
            yield NeedsWholeFile()
            return
        if page.serial != self.serial:
            return
        if self.next_sequence not in {None, page.sequence}:
            yield self._interrupted(f"page {page.sequence} instead of {self.next_sequence}")
        self.next_sequence = page.sequence + 1 & 0xFFFFFFFF
        packets = self._completed(page)
        while packets and self.codec is None:
            self.headers.append(packets.pop(0))
            if len(self.headers) == _HEADER_PACKETS[self.kind]:
                yield self._start()
        if packets:
            yield from self._timed(packets, page)

    def _first_page(self, page: _Page) -> None:
        """Choose the stream. All first pages stand before all others; one after those begins a new file."""
        if self.codec is not None or (self.serial is not None and self.headers):
            self.serial, self.codec, self.meter, self.granule = None, None, None, 0
            self.partial, self.next_sequence, self.headers = None, None, []
        if self.serial is None and page.pieces:
            first = page.pieces[0]
            self.kind = "opus" if first.startswith(b"OpusHead") else "vorbis" if first.startswith(b"\x01vorbis") else ""
            self.serial = page.serial if self.kind else None

    def _completed(self, page: _Page) -> list[bytes]:
        """The packets that end on `page`."""
        pieces = list(page.pieces)
        if page.flags & _CONTINUED:
            if self.partial is not None and pieces:
                pieces[0] = self.partial + pieces[0]
            elif pieces and (len(pieces) > 1 or not page.ends_in_packet):
                pieces.pop(0)  # its beginning is lost
            elif pieces:
                return []
        self.partial = pieces.pop() if page.ends_in_packet and pieces else None
        if self.partial is not None and len(self.partial) > _MAX_PACKET_BYTES:
            self.partial = None
        return pieces

    def _start(self) -> Start:
        try:
            known = codecs.opus(self.headers[0]) if self.kind == "opus" else codecs.vorbis(self.headers)
        except Malformed as error:
            raise Unreadable(f"the Ogg headers can't be read: {error}", reason="corrupt_header") from error
        self.codec, self.meter = known
        self.headers = self.headers[:1]
        return Start(self.codec)

    def _timed(self, packets: list[bytes], page: _Page) -> Iterator[Packet]:
        if self.meter is None or self.codec is None:
            return
        durations = [self.meter.samples(packet) for packet in packets]
        if page.granule >= _NO_GRANULE:
            self.granule = None
            yield from (Packet(packet, duration) for packet, duration in zip(packets, durations, strict=True))
            return
        begin = page.granule - sum(durations)
        if page.flags & _LAST and self.granule is not None and begin < self.granule:
            begin = self.granule  # the last page may end before its last packet does
            durations = _trimmed(durations, page.granule - begin)
        at_us = clock_us(begin, self.codec.rate)
        for packet, duration in zip(packets, durations, strict=True):
            yield Packet(packet, duration, at_us)
            at_us = None
        self.granule = page.granule


def _trimmed(durations: list[int], total: int) -> list[int]:
    """`durations`, cut at the end to sum up to `total`."""
    left = max(0, total)
    kept = []
    for duration in durations:
        kept.append(min(duration, left))
        left -= kept[-1]
    return kept


def _page(buffer: bytes, at: int) -> _Page | Malformed | None:
    """The page at `at`, what is wrong with it, or None when more bytes are needed."""
    if len(buffer) - at < _HEAD_BYTES:
        return None
    lacing_end = at + _HEAD_BYTES + buffer[at + 26]
    lacing = buffer[at + _HEAD_BYTES : lacing_end]
    end = lacing_end + sum(lacing)
    if buffer[at + 4] != 0:
        return Malformed("page of an unknown version")
    if len(buffer) < end or len(lacing) < buffer[at + 26]:
        return None
    flags, granule, serial, sequence, checksum = (
        int.from_bytes(buffer[at + a : at + b], "little") for a, b in ((5, 6), (6, 14), (14, 18), (18, 22), (22, 26))
    )
    if checksum != _crc(buffer[at : at + 22] + bytes(4) + buffer[at + 26 : end]):
        return Malformed("page with a wrong checksum")
    pieces, begin, size = [], lacing_end, 0
    for length in lacing:
        size += length
        if length < 255:
            pieces.append(buffer[begin : begin + size])
            begin, size = begin + size, 0
    open_ended = bool(lacing) and lacing[-1] == 255
    if open_ended:
        pieces.append(buffer[begin:end])
    return _Page(flags, granule, serial, sequence, pieces, open_ended, end - at)


def _crc(page: bytes) -> int:
    """Ogg's checksum: zlib's polynomial, but most significant bit first and without inversions."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
