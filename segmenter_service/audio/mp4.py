"""Resumable demuxer for fragmented MP4 (ISO 14496-12, 8.8), as browsers record it; other MP4 needs the whole file.

A fragment is a `moof` that lists the packets (samples, in its words) and an `mdat` that holds them. What is carried is the
unfinished box or packet, and the list of the packets still to come. After a loss, reading goes on at the next `moof`.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from segmenter_service.audio.mp4_boxes import BoxHead, Movie, Run, read_box_head, read_movie, read_runs
from segmenter_service.audio.packets import Item, Lost, Malformed, NeedsWholeFile, Packet, Start, Unreadable

_MAX_MOOV_BYTES: Final = 1 << 18
_MAX_MOOF_BYTES: Final = 1 << 20
_MAX_BOX_BYTES: Final = 1 << 32
_FRAGMENT_BEGIN = re.compile(rb"....moof\x00\x00\x00\x10mfhd", re.DOTALL)
_FRAGMENT_BEGIN_BYTES: Final = 16
_SKIPPED = frozenset(
    (
        b"ftyp",
        b"styp",
        b"sidx",
        b"ssix",
        b"free",
        b"skip",
        b"wide",
        b"mfra",
        b"emsg",
        b"prft",
        b"uuid",
        b"meta",
        b"udta",
        b"pdin",
    )
)


class Mp4Demuxer(msgspec.Struct, tag="mp4"):
    """The fields are all that is carried from chunk to chunk."""

    carry: bytes = b""
    skip_bytes: int = 0
    movie: Movie | None = None
    """None until `moov` came."""
    runs: list[Run] = []
    """Packets to come of the fragment that is being read."""
    since_moof: int = 0
    """Offset of the next byte from the beginning of the fragment's `moof`."""
    mdat_bytes: int = 0
    """Still to come of the box that holds packets."""
    searching: bool = False

    def feed(self, data: bytes) -> Iterator[Item]:
        """See `Demuxer`."""
        self.carry += data
        while True:
            self._take(min(self.skip_bytes, len(self.carry)), skipping=True)
            if self.skip_bytes:
                return
            if self.searching and not self._found_fragment():
                return
            try:
                items = self._packets() if self.mdat_bytes else self._box()
            except Malformed as error:
                if self.movie is None:
                    raise Unreadable(f"the MP4 header can't be read: {error}", reason="corrupt_header") from error
                self._search()
                self._take(min(1, len(self.carry)))
                yield Lost(f"MP4: {error}")
                continue
            if items is None:
                return
            yield from items

    def lost(self) -> None:
        """See `Demuxer`."""
        self._search()
        self.carry = b""

    def finish(self) -> Iterator[Item]:
        """See `Demuxer`. A packet that was never completed is dropped."""
        if self.movie is None:
            raise Unreadable("the MP4 header ends before it describes a track", reason="truncated_header")
        yield from ()

    def _search(self) -> None:
        self.searching, self.skip_bytes, self.mdat_bytes, self.runs = True, 0, 0, []

    def _found_fragment(self) -> bool:
        found = _FRAGMENT_BEGIN.search(self.carry)
        self.searching = found is None
        self.carry = self.carry[found.start() if found else max(0, len(self.carry) - _FRAGMENT_BEGIN_BYTES + 1) :]
        return found is not None

    def _take(self, count: int, *, skipping: bool = False) -> bytes:
        taken, self.carry = self.carry[:count], self.carry[count:]
        self.since_moof += count
        if skipping:
            self.skip_bytes -= count
        return taken

    def _box(self) -> list[Item] | None:
        """Read or skip the next box. None when more bytes are needed. Raises `Malformed`."""
        head = read_box_head(self.carry, 0)
        if head is None:
            return None
        if head.size > _MAX_BOX_BYTES or not head.name.isalnum():
            raise Malformed("no box where one must begin")
        if head.name == b"mdat":
            return self._mdat(head)
        if head.name == b"moov":
            if head.size > _MAX_MOOV_BYTES:  # only an index of all packets is so large
                return self._left_to_the_whole_file()
            return None if len(self.carry) < head.size else self._moov(head)
        if head.name == b"moof":
            if self.movie is None or head.size > _MAX_MOOF_BYTES:
                raise Malformed("a fragment that can't be")
            if len(self.carry) < head.size:
                return None
            self.runs = read_runs(self.carry[head.head_bytes : head.size], head.size, self.movie)
            self.since_moof = 0
            self._take(head.size)
            return []
        if self.movie is not None and head.name not in _SKIPPED:
            raise Malformed("unexpected box")
        self.skip_bytes = head.size
        return []

    def _mdat(self, head: BoxHead) -> list[Item]:
        if self.movie is None:
            return self._left_to_the_whole_file()
        self._take(head.head_bytes)
        if self.runs:
            self.mdat_bytes = head.size - head.head_bytes
        else:
            self.skip_bytes = head.size - head.head_bytes
        return []

    def _moov(self, head: BoxHead) -> list[Item]:
        movie = read_movie(self._take(head.size)[head.head_bytes :])
        if movie is None:
            return self._left_to_the_whole_file()
        self.movie = movie
        return [Start(movie.codec)]

    def _left_to_the_whole_file(self) -> list[Item]:
        self.skip_bytes = _MAX_BOX_BYTES
        return [NeedsWholeFile()]

    def _packets(self) -> list[Item] | None:
        """The next packets of the fragment, all that are there at once, or the way there. None when more bytes are needed. Raises `Malformed`."""
        if not self.runs or self.movie is None:
            self.skip_bytes, self.mdat_bytes = self.mdat_bytes, 0
            return []
        run = self.runs[0]
        ahead = run.offset - self.since_moof
        if ahead < 0 or ahead + run.sizes[0] > self.mdat_bytes:
            raise Malformed("packet outside of the box that holds it")
        if ahead:
            self.skip_bytes = ahead
            self.mdat_bytes -= ahead
            return []
        packets: list[Item] = []
        end = 0
        for size in run.sizes:
            if end + size > min(len(self.carry), self.mdat_bytes):
                break
            data = self.carry[end : end + size]
            packets.append(Packet(data, self.movie.meter.samples(data), run.at_us))
            end, run.at_us = end + size, None
        self._take(end)
        self.mdat_bytes -= end
        run.offset += end
        del run.sizes[: len(packets)]
        if not run.sizes:
            self.runs.pop(0)
        return packets or None
