"""What the boxes of MP4 say: the audio track of a `moov`, the packets of a `moof`. Pure.

A box is a length, a name of four letters and a payload that may hold boxes again.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from segmenter_service.audio import codecs
from segmenter_service.audio.packet_duration import Meter
from segmenter_service.audio.packets import Codec, Malformed, clock_us

MAX_FRAGMENT_PACKETS: Final = 100_000
_ES_DESCRIPTOR, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5
_MP3_OBJECT_TYPES = {0x69, 0x6B}
_AAC_OBJECT_TYPE = 0x40


class BoxHead(NamedTuple):
    """Name, size with the head, and size of the head alone."""

    name: bytes
    size: int
    head_bytes: int


class Movie(msgspec.Struct, array_like=True):
    """What fragments need to know of the `moov`."""

    codec: Codec
    meter: Meter
    track: int
    timescale: int
    default_size: int
    default_duration: int


class Run(msgspec.Struct, array_like=True):
    """Packets one right after another."""

    offset: int
    """Of the first packet from the beginning of the `moof`."""
    sizes: list[int]
    at_us: int | None


def read_box_head(buffer: bytes, at: int) -> BoxHead | None:
    """The head of the box at `at`; None when more bytes are needed. Raises `Malformed`."""
    if len(buffer) - at < 8:
        return None
    size, name, head_bytes = int.from_bytes(buffer[at : at + 4], "big"), buffer[at + 4 : at + 8], 8
    if size == 1:
        if len(buffer) - at < 16:
            return None
        size, head_bytes = int.from_bytes(buffer[at + 8 : at + 16], "big"), 16
    if size < head_bytes:
        raise Malformed(f"box of {size} bytes")
    return BoxHead(name, size, head_bytes)


def boxes(payload: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and payloads of the boxes that `payload` consists of. Raises `Malformed`."""
    at = 0
    while len(payload) - at >= 8:
        head = read_box_head(payload, at)
        if head is None or at + head.size > len(payload):
            raise Malformed("a box is longer than what holds it")
        yield head.name, payload[at + head.head_bytes : at + head.size]
        at += head.size


def uint(payload: bytes, at: int, length: int = 4) -> int:
    """A big-endian number. Raises `Malformed` when `payload` ends before it does."""
    if at + length > len(payload):
        raise Malformed("a box is too short")
    return int.from_bytes(payload[at : at + length], "big")


def read_movie(moov: bytes) -> Movie | None:
    """The first audio track; None when the file is not fragmented or the codec is not read packet by packet.

    Raises `Malformed`, also when there is no audio track.
    """
    parts = list(boxes(moov))
    extends = [payload for name, payload in parts if name == b"mvex"]
    if not extends:
        return None
    tracks = [dict(boxes(payload)) for name, payload in parts if name == b"trak"]
    track = next((each for each in tracks if _handler(each) == b"soun"), None)
    if track is None:
        raise Malformed("no audio track")
    media = dict(boxes(track[b"mdia"]))
    header, media_header = track.get(b"tkhd", b""), media.get(b"mdhd", b"")
    number = uint(header, 20 if uint(header, 0, 1) else 12)
    timescale = uint(media_header, 20 if uint(media_header, 0, 1) else 12)
    known = _codec_of(media)
    if known is None:
        return None
    if not timescale:
        raise Malformed("a track without a clock")
    codec, meter = known
    edited = _edited_ticks(track)
    if edited is not None:
        codec = msgspec.structs.replace(codec, delay=min(edited * codec.rate // timescale, codec.rate))
    default_size = default_duration = 0
    for name, payload in boxes(extends[0]):
        if name == b"trex" and uint(payload, 4) == number:
            default_duration, default_size = uint(payload, 12), uint(payload, 16)
    return Movie(codec, meter, number, timescale, default_size, default_duration)


def read_runs(moof: bytes, moof_bytes: int, movie: Movie) -> list[Run]:
    """The packets of the audio track, in order of their offset. `moof_bytes` is the box's size with its head.

    Every offset is taken from the beginning of the `moof`: recorders write nothing else, and an offset in the file, which old
    ones write as well, says nothing once a chunk was lost. Raises `Malformed`.
    """
    runs: list[Run] = []
    packets = 0
    for name, payload in boxes(moof):
        if name == b"traf":
            for run in _runs_of_track(list(boxes(payload)), moof_bytes, movie):
                packets += len(run.sizes)
                if (
                    packets > MAX_FRAGMENT_PACKETS
                ):  # asked for each list: of a few bytes each, together they would fill the memory
                    raise Malformed("too many packets in a fragment")
                runs.append(run)
    return sorted((run for run in runs if run.sizes), key=lambda run: run.offset)


def _runs_of_track(parts: list[tuple[bytes, bytes]], moof_bytes: int, movie: Movie) -> Iterator[Run]:
    header = dict(parts).get(b"tfhd", b"")
    if uint(header, 4) != movie.track:
        return
    flags, at = uint(header, 0) & 0xFFFFFF, 8
    at += 8 * (flags & 1) + 4 * (flags >> 1 & 1)
    duration, size = movie.default_duration, movie.default_size
    if flags & 0x8:
        duration, at = uint(header, at), at + 4
    if flags & 0x10:
        size = uint(header, at)
    ticks: int | None = None
    offset = moof_bytes + 8
    for name, payload in parts:
        if name == b"tfdt":
            ticks = uint(payload, 4, 8 if uint(payload, 0, 1) else 4)
        elif name == b"trun":
            at_us = None if ticks is None else clock_us(ticks, movie.timescale)
            offset, sizes, run_ticks = _run(payload, offset, duration, size)
            yield Run(offset, sizes, at_us)
            offset += sum(sizes)
            ticks = None if ticks is None else ticks + run_ticks


def _run(trun: bytes, offset: int, duration: int, size: int) -> tuple[int, list[int], int]:
    """Offset of the first packet, sizes, and duration of all in ticks."""
    flags, count, at = uint(trun, 0) & 0xFFFFFF, uint(trun, 4), 8
    if flags & 1:
        offset = uint(trun, at)
        offset -= (offset >> 31) << 32  # it is signed
        at += 4
    at += flags & 4
    fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    if count > MAX_FRAGMENT_PACKETS or at + count * 4 * len(fields) > len(trun):
        raise Malformed("a list of packets is too short")
    words = [uint(trun, at + 4 * index) for index in range(count * len(fields))]
    columns = {bit: words[column :: len(fields)] for column, bit in enumerate(fields)}
    sizes = columns.get(0x200) or [size] * count
    ticks = sum(columns[0x100]) if 0x100 in columns else duration * count
    return offset, [each for each in sizes if each], ticks  # what takes no bytes is no audio, and could be hours of it


def _handler(track: dict[bytes, bytes]) -> bytes:
    media = dict(boxes(track.get(b"mdia", b"")))
    return media.get(b"hdlr", b"")[8:12]


def _edited_ticks(track: dict[bytes, bytes]) -> int | None:
    """Where the edit list begins to play, in ticks; None when it does not say."""
    edits = dict(boxes(track.get(b"edts", b""))).get(b"elst", b"")
    if len(edits) < 8:
        return None
    wide = uint(edits, 0, 1) == 1
    for index in range(min(uint(edits, 4), 4)):
        begin = 8 + index * (20 if wide else 12)
        time = uint(edits, begin + 8, 8) if wide else uint(edits, begin + 4)
        if time >> (63 if wide else 31) == 0:  # a negative one means an empty edit
            return time
    return None


def _codec_of(media: dict[bytes, bytes]) -> tuple[Codec, Meter] | None:
    sample_table = dict(boxes(dict(boxes(media.get(b"minf", b""))).get(b"stbl", b"")))
    entries = list(boxes(sample_table.get(b"stsd", b"")[8:]))
    if not entries:
        raise Malformed("a track without a description")
    name, entry = entries[0]
    channels, rate = uint(entry, 16, 2), uint(entry, 24) >> 16
    parts = dict(boxes(entry[28 + 16 * (uint(entry, 8, 2) == 1) :]))
    if name == b"Opus":
        return codecs.opus(_opus_head(parts.get(b"dOps", b"")))
    if name == b"fLaC":
        return codecs.flac(parts.get(b"dfLa", b"")[8:])
    if name == b"mp4a" and b"esds" in parts:
        object_type, config = _elementary_stream(parts[b"esds"][4:])
        if object_type == _AAC_OBJECT_TYPE:
            return codecs.aac(config)
        if object_type in _MP3_OBJECT_TYPES:
            return codecs.mp3(rate, channels)
    return None


def _opus_head(specific: bytes) -> bytes:
    """An OpusHead from `dOps`, which has the same fields in the other byte order."""
    if len(specific) < 11:
        raise Malformed("the description of Opus is too short")
    pre_skip, rate, gain = (specific[a:b][::-1] for a, b in ((2, 4), (4, 8), (8, 10)))
    return b"OpusHead\x01" + specific[1:2] + pre_skip + rate + gain + specific[10:]


def _elementary_stream(descriptors: bytes) -> tuple[int, bytes]:
    """Object type and decoder configuration (ISO 14496-1, 7.2.6)."""
    object_type, at = 0, 0
    while at + 2 <= len(descriptors):
        tag, at, size = descriptors[at], at + 1, 0
        for _ in range(4):
            byte = uint(descriptors, at, 1)
            size, at = size << 7 | byte & 0x7F, at + 1
            if not byte & 0x80:
                break
        if tag == _ES_DESCRIPTOR:
            flags = uint(descriptors, at + 2, 1)
            at += 3 + 2 * (flags >> 7) + 2 * (flags >> 5 & 1)
            at += 1 + uint(descriptors, at, 1) if flags & 0x40 else 0
        elif tag == _DECODER_CONFIG:
            object_type = uint(descriptors, at, 1)
            at += 13
        elif tag == _DECODER_SPECIFIC:
            return object_type, descriptors[at : at + size]
        else:
            at += size
    return object_type, b""
