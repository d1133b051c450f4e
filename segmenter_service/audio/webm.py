"""Resumable demuxer for WebM and Matroska as recorders write them live: unknown sizes, no index, cut anywhere.

Only chunk 0 holds a header, and browsers cut chunks in the middle of elements, so what remains after each `feed` is the
unfinished element. Ids are checked against a list and sizes against bounds: after damage, a garbage size would swallow the
rest of the recording. When that happens, or bytes are missing, reading goes on at the next Cluster.
"""

import struct
from collections.abc import Iterator
from typing import Final

import msgspec

from segmenter_service.audio import codecs
from segmenter_service.audio.ebml import UNKNOWN_SIZE, ElementHead, children, read_head, read_vint, uint
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

EBML: Final = 0x1A45DFA3
SEGMENT: Final = 0x18538067
INFO: Final = 0x1549A966
TRACKS: Final = 0x1654AE6B
CLUSTER: Final = 0x1F43B675
TIMESTAMP: Final = 0xE7
SIMPLE_BLOCK: Final = 0xA3
BLOCK_GROUP: Final = 0xA0
BLOCK: Final = 0xA1
TIMESTAMP_SCALE: Final = 0x2AD7B1
TRACK_ENTRY: Final = 0xAE
TRACK_NUMBER: Final = 0xD7
TRACK_TYPE: Final = 0x83
CODEC_ID: Final = 0x86
CODEC_PRIVATE: Final = 0x63A2
CODEC_DELAY: Final = 0x56AA
CONTENT_ENCODINGS: Final = 0x6D80
AUDIO: Final = 0xE1
SAMPLING_FREQUENCY: Final = 0xB5
CHANNELS: Final = 0x9F
BIT_DEPTH: Final = 0x6264

_ENTERED = {SEGMENT, CLUSTER, BLOCK_GROUP}
_READ = {EBML, INFO, TRACKS, TIMESTAMP}
_BLOCKS = {SIMPLE_BLOCK, BLOCK}
_SKIPPED = {
    *(0xEC, 0xBF),  # Void, CRC-32
    *(0x114D9B74, 0x1C53BB6B, 0x1254C367, 0x1941A469, 0x1043A770),  # SeekHead, Cues, Tags, Attachments, Chapters
    *(0xA7, 0xAB, 0x5854, 0xAF),  # of a Cluster: Position, PrevSize, SilentTracks, EncryptedBlock
    *(0x9B, 0xFA, 0xFB, 0xFD, 0xA4, 0x75A1, 0x75A2, 0x8E, 0xA2),  # of a BlockGroup
}
_KNOWN = _ENTERED | _READ | _BLOCKS | _SKIPPED

_MAX_READ_BYTES: Final = 1 << 18
_MAX_BLOCK_BYTES: Final = 1 << 20
_MAX_SKIP_BYTES: Final = 1 << 23
_MAX_HEADER_SKIP_BYTES: Final = 1 << 26
"""Before the first Cluster, where attachments may stand."""
_AUDIO_TRACK: Final = 2
_CLUSTER_BYTES: Final = CLUSTER.to_bytes(4, "big")
_EBML_BYTES: Final = EBML.to_bytes(4, "big")


class WebmDemuxer(msgspec.Struct, tag="webm"):
    """The fields are all that is carried from chunk to chunk."""

    carry: bytes = b""
    """The unfinished element."""
    skip_bytes: int = 0
    """Still to come of an element that nobody reads."""
    searching: bool = False
    """Out of step: looking for the next Cluster."""
    track: int = 0
    """Number of the audio track; 0: no header yet."""
    in_clusters: bool = False
    tick_ns: int = 1_000_000
    cluster_ticks: int = 0
    meter: Meter | None = None

    def feed(self, data: bytes) -> Iterator[Item]:
        """See `Demuxer`."""
        skipped = min(self.skip_bytes, len(data))
        self.skip_bytes -= skipped
        buffer = self.carry + data[skipped:]
        self.carry = b""
        at = 0
        while True:
            if self.searching:
                at = self._find_cluster(buffer, at)
            try:
                head = None if self.searching else self._head(buffer, at)
                if head is None:
                    break
                payload_at, end = head.payload_at, head.payload_at + head.size
                if head.id in _ENTERED:
                    self._enter(head)
                    at = payload_at
                elif head.id in _SKIPPED or (head.id in _BLOCKS and self._is_foreign(buffer, payload_at)):
                    self.skip_bytes = max(0, end - len(buffer))
                    at = min(end, len(buffer))
                elif end > len(buffer):
                    break
                else:
                    yield from self._element(head.id, buffer[payload_at:end])
                    at = end
            except Malformed as error:
                if not self.track:
                    raise Unreadable(f"the WebM header can't be read: {error}", reason="corrupt_header") from error
                self._interrupt()
                at += 1
                yield Lost(f"WebM: {error}")
        self.carry = buffer[at:]

    def lost(self) -> None:
        """See `Demuxer`. Chromium's chunks begin one byte inside an element: the first byte of its id ends the chunk before,
        so that a Cluster may begin with a byte that is lost. It is put back; where it is wrong, the search passes over it.
        """
        self._interrupt()
        self.carry = _CLUSTER_BYTES[:1]
        self.skip_bytes = 0

    def finish(self) -> Iterator[Item]:
        """See `Demuxer`. An element that was never completed is dropped, as every player does."""
        if not self.track:
            raise Unreadable("the WebM header ends before it names an audio track", reason="truncated_header")
        yield from ()

    def _interrupt(self) -> None:
        self.searching = True
        if self.meter is not None:
            self.meter.interrupt()

    def _find_cluster(self, buffer: bytes, at: int) -> int:
        """Where the next Cluster or header begins; at the last bytes, which may begin one, when none is there."""
        cluster = buffer.find(_CLUSTER_BYTES, at)
        header = buffer.find(
            _EBML_BYTES, at, cluster if cluster >= 0 else None
        )  # no further: damage may be all of Clusters
        found = header if header >= 0 else cluster
        self.searching = found < 0
        return max(at, len(buffer) - 3) if self.searching else found

    def _head(self, buffer: bytes, at: int) -> ElementHead | None:
        """The head of a plausible element. Raises `Malformed` for any other."""
        head = read_head(buffer, at)
        if head is None:
            return None
        if head.id not in _KNOWN:
            raise Malformed(f"unexpected element {head.id:#x}")
        if head.id in _ENTERED:
            return head
        if head.id in _READ:
            limit = _MAX_READ_BYTES
        elif head.id in _BLOCKS and not self._is_foreign(buffer, head.payload_at):
            limit = _MAX_BLOCK_BYTES
        else:
            limit = _MAX_SKIP_BYTES if self.in_clusters else _MAX_HEADER_SKIP_BYTES
        if head.size == UNKNOWN_SIZE or head.size > limit:
            raise Malformed(f"element {head.id:#x} of size {head.size}")
        return head

    def _is_foreign(self, buffer: bytes, payload_at: int) -> bool:
        """True when a block is known to belong to another track, e.g. video."""
        number = read_vint(buffer, payload_at, keep_marker=False, max_length=8)
        return number is not None and number[0] != self.track

    def _enter(self, head: ElementHead) -> None:
        if head.id == CLUSTER:
            if not self.track:
                raise Malformed("a Cluster comes before the tracks are described")
            self.in_clusters = True

    def _element(self, element: int, payload: bytes) -> Iterator[Item]:
        if element == EBML:  # a recorder that was started again begins a new file
            self.track, self.in_clusters, self.tick_ns, self.cluster_ticks = 0, False, 1_000_000, 0
        elif element == INFO:
            self.tick_ns = (
                next((uint(value) for key, value in children(payload) if key == TIMESTAMP_SCALE), 0) or 1_000_000
            )
        elif element == TRACKS and not self.track:
            yield from self._tracks(payload)
        elif element == TIMESTAMP:
            self.cluster_ticks = uint(payload)
        elif element in _BLOCKS:
            yield from self._block(payload)

    def _tracks(self, payload: bytes) -> Iterator[Item]:
        entries = [dict(children(value)) for key, value in children(payload) if key == TRACK_ENTRY]
        entry = next((each for each in entries if uint(each.get(TRACK_TYPE, b"")) == _AUDIO_TRACK), None)
        if entry is None:
            raise Unreadable("the recording has no audio track", reason="no_audio")
        known = None if CONTENT_ENCODINGS in entry else _codec_of(entry)
        if known is None:
            yield NeedsWholeFile()
            return
        self.track = uint(entry.get(TRACK_NUMBER, b""))
        if not self.track:
            raise Malformed("the audio track has no number")
        codec, self.meter = known
        yield Start(codec)

    def _block(self, payload: bytes) -> list[Packet]:
        number = read_vint(payload, 0, keep_marker=False, max_length=8)
        if number is None or number[0] != self.track or self.meter is None or len(payload) < number[1] + 3:
            return []
        at = number[1]
        ticks = self.cluster_ticks + int.from_bytes(payload[at : at + 2], "big", signed=True)
        lacing = payload[at + 2] >> 1 & 3
        frames = _unlaced(payload, at + 3, lacing) if lacing else [payload[at + 3 :]]
        at_us = clock_us(ticks * self.tick_ns, 1_000_000_000)
        packets = []
        for frame in frames:
            packets.append(Packet(frame, self.meter.samples(frame), at_us))
            at_us = None
        return packets


def _codec_of(entry: dict[int, bytes]) -> tuple[Codec, Meter] | None:
    """The track's codec, None for one that is not read packet by packet. Raises `Malformed`."""
    name = entry.get(CODEC_ID, b"").rstrip(b"\0")
    private = entry.get(CODEC_PRIVATE, b"")
    audio = dict(children(entry.get(AUDIO, b"")))
    delay_ns = min(uint(entry.get(CODEC_DELAY, b"")), 1_000_000_000)
    rate, channels = _frequency(audio.get(SAMPLING_FREQUENCY, b"")), uint(audio.get(CHANNELS, b"\x01"))
    if name == b"A_OPUS":
        return codecs.opus(private)
    if name == b"A_VORBIS":
        return codecs.vorbis(codecs.vorbis_headers(private))
    if name == b"A_AAC" and private:
        return codecs.aac(private, delay_ns)
    if name == b"A_FLAC":
        return codecs.flac(private[8:])
    if name == b"A_MPEG/L3":
        return codecs.mp3(rate, channels, codecs.samples_in(delay_ns, rate))
    if name in {b"A_PCM/INT/LIT", b"A_PCM/FLOAT/IEEE"}:
        pcm = codecs.pcm_name(uint(audio.get(BIT_DEPTH, b"")), is_float=name.endswith(b"IEEE"))
        return codecs.pcm(pcm, rate, channels) if pcm else None
    return None


def _frequency(payload: bytes) -> int:
    if not payload:
        return 8_000  # the default of the specification
    if len(payload) not in {4, 8}:
        raise Malformed("sampling frequency is no float")
    value = float(struct.unpack(">f" if len(payload) == 4 else ">d", payload)[0])
    return int(value) if 0 < value < 1e7 else 0


def _unlaced(payload: bytes, at: int, lacing: int) -> list[bytes]:
    """The frames of a laced block (1: Xiph, 2: fixed size, 3: EBML), without empty ones: a few bytes could be minutes of them. Raises `Malformed`."""
    if at >= len(payload):
        raise Malformed("laced block without frames")
    count, at = payload[at] + 1, at + 1
    if lacing == 2:
        sizes = [(len(payload) - at) // count] * (count - 1)
    elif lacing == 1:
        sizes, at = _xiph_sizes(payload, at, count - 1)
    else:
        sizes, at = _ebml_sizes(payload, at, count - 1)
    if min(sizes, default=0) < 0 or at + sum(sizes) > len(payload):
        raise Malformed("frames of a laced block are longer than the block")
    frames = []
    for size in sizes:
        frames.append(payload[at : at + size])
        at += size
    return [frame for frame in (*frames, payload[at:]) if frame]


def _xiph_sizes(payload: bytes, at: int, count: int) -> tuple[list[int], int]:
    sizes = []
    for _ in range(count):
        size = 0
        while True:
            if at >= len(payload):
                raise Malformed("lacing is cut off")
            size, at = size + payload[at], at + 1
            if payload[at - 1] != 0xFF:
                break
        sizes.append(size)
    return sizes, at


def _ebml_sizes(payload: bytes, at: int, count: int) -> tuple[list[int], int]:
    sizes: list[int] = []
    for index in range(count):
        number = read_vint(payload, at, keep_marker=False, max_length=8)
        if number is None:
            raise Malformed("lacing is cut off")
        value, end = number
        bias = (1 << 7 * (end - at) - 1) - 1  # later sizes are signed differences
        sizes.append(value if index == 0 else sizes[-1] + value - bias)
        at = end
    return sizes, at
