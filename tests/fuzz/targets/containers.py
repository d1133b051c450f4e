"""Demuxers, sniffing and tags: any bytes give bounded packets or `Unreadable`, the same ones however they are split."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from segmenter_service.audio import codecs, mp4_boxes, packet_duration
from segmenter_service.audio.demuxers import DEMUXERS, AnyDemuxer
from segmenter_service.audio.packets import MAX_SAMPLES_PER_S, Codec, Item, Malformed, Packet, Start, Unreadable
from segmenter_service.audio.raw_pcm import RawPcmDemuxer, declared_pcm
from segmenter_service.audio.sniff import recording_begun_by, sniffed
from segmenter_service.audio.tags import tag_bytes
from tests.fuzz.recordings import recordings
from tests.fuzz.target import Target, chance, pieces

MAX_PACKET_SAMPLES: Final = 1 << 20
MAX_AT_US: Final = 1 << 53
STATE_BYTES: Final = 4_096
"""What a demuxer may keep beyond bytes that it has not read yet."""
PACKET_OF_NOTHING: Final = 8
"""Packets for each byte that was fed, at most: laced frames may be empty."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AnyDemuxer)


def restored(demuxer: AnyDemuxer) -> AnyDemuxer:
    """The demuxer as the hot state brings it to the next chunk."""
    again: AnyDemuxer = _decoder.decode(_encoder.encode(demuxer))
    assert again == demuxer
    return again


def demuxed(demuxer: AnyDemuxer, chunks: Sequence[bytes], lost_before: int | None = None) -> tuple[list[Item], str]:
    """Items, and the reason why the demuxer gave up, if it did."""
    items: list[Item] = []
    fed_bytes = 0
    try:
        for index, chunk in enumerate(chunks):
            if index == lost_before:
                demuxer.lost()
            items += demuxer.feed(chunk)
            fed_bytes += len(chunk)
            demuxer = restored(demuxer)
            assert len(_encoder.encode(demuxer)) <= 2 * fed_bytes + STATE_BYTES, "it keeps more than it was fed"
        items += demuxer.finish()
    except Unreadable as error:
        return items, error.reason
    return items, ""


def check(items: Sequence[Item], fed_bytes: int) -> None:
    """What holds for the items of any bytes."""
    packets = [item for item in items if isinstance(item, Packet)]
    assert sum(len(packet.data) for packet in packets) <= fed_bytes
    assert len(packets) <= PACKET_OF_NOTHING * fed_bytes + 1
    for packet in packets:
        assert 0 <= packet.samples <= MAX_PACKET_SAMPLES
        assert packet.at_us is None or abs(packet.at_us) <= MAX_AT_US
    for item in items:
        if isinstance(item, Start):
            assert item.codec == item.codec.checked()
            assert 0 <= item.codec.delay <= 4 * item.codec.rate + (1 << 16)


def runs_any_split(make: Callable[[], AnyDemuxer]) -> Callable[[bytes], None]:
    """A target's function for one demuxer."""

    def run(data: bytes) -> None:
        whole = demuxed(make(), [data])
        check(whole[0], len(data))
        chunks = pieces(data)
        assert demuxed(make(), chunks) == whole, "another split gives other packets"
        items, _ = demuxed(make(), chunks, lost_before=chance(data).randrange(len(chunks)))
        check(items, len(data) + 1)

    return run


def _container(name: str, kinds: tuple[str, ...], tokens: tuple[bytes, ...] = ()) -> Target:
    return Target(f"demux {name}", runs_any_split(DEMUXERS[name]), lambda: recordings(*kinds), tokens=tokens)


def _pcm(data: bytes) -> None:
    draw = chance(data)
    name = draw.choice(("pcm_s16be", "pcm_s16le", "pcm_mulaw"))
    rate = draw.choice((1_000, 8_000, 48_000, 768_000))
    codec = Codec(name, rate, draw.randint(1, min(64, MAX_SAMPLES_PER_S // rate)))
    runs_any_split(lambda: RawPcmDemuxer(codec))(data)


def _declared_pcm(data: bytes) -> None:
    with suppress(Unreadable):
        codec = declared_pcm(data.decode("latin-1"))
        assert codec is None or codec == codec.checked()


def _sniff(data: bytes) -> None:
    begun = recording_begun_by(data)
    assert begun is None or begun in DEMUXERS
    with suppress(Unreadable):
        assert sniffed(data) in {None, "whole", *DEMUXERS}


def _tags(data: bytes) -> None:
    length = tag_bytes(data)
    assert length is None or 0 <= length < 1 << 33
    if length:
        assert tag_bytes(data + b"\0" * 32) == length, "more bytes make it another tag"


def _durations(data: bytes) -> None:
    for samples in (packet_duration.opus_samples, packet_duration.mp3_samples, packet_duration.flac_samples):
        assert 0 <= samples(data) <= 65_536
    third = len(data) // 3
    with suppress(Malformed):
        sizes = packet_duration.vorbis_block_sizes([data[:third], b"", data[third:]])
        meter = packet_duration.Meter("vorbis", block_sizes=sizes)
        assert all(0 <= meter.samples(data[at:]) <= 32_768 for at in range(min(40, len(data))))


def _codecs(data: bytes) -> None:
    readers: tuple[Callable[[], object], ...] = (
        lambda: codecs.opus(b"OpusHead" + data),
        lambda: codecs.aac(data, 1_000_000_000),
        lambda: codecs.flac(data),
        lambda: codecs.vorbis(codecs.vorbis_headers(b"\x02" + data)),
        lambda: mp4_boxes.read_movie(data),
    )
    for read in readers:
        with suppress(Malformed):
            read()


def _movie_seeds() -> list[bytes]:
    found = []
    for each in recordings("mp4", "m4a"):
        at = each.find(b"moov")
        found.append(each[at + 4 : at - 4 + int.from_bytes(each[at - 4 : at], "big")])
    return found


TARGETS: Final = (
    _container(
        "webm",
        ("webm", "matroska"),
        (
            b"\x1a\x45\xdf\xa3",
            b"\x1f\x43\xb6\x75\xff",
            b"\xe7\x88\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xa3\x86\x81\0\0\x06\xff",
        ),
    ),
    _container("ogg", ("ogg",), (b"OggS\0\0", b"OpusHead", b"\x01vorbis")),
    _container("flac", ("flac",), (b"\xff\xf8", b"\xff\xf9", b"fLaC")),
    _container("wav", ("wav",), (b"RIFF", b"fmt \x10\0\0\0", b"data\xff\xff\xff\xff", b"data\0\0\0\0")),
    _container("mp3", ("mp3",), (b"ID3\4\0\0\0\0\0\0", b"\xff\xfb\x90\0", b"APETAGEX", b"TAG")),
    _container("adts", ("adts",), (b"\xff\xf1\x50\x80", b"ID3\4\0\0\0\0\0\0")),
    _container("mp4", ("mp4", "m4a"), (b"moof", b"mdat", b"trun\0\0\2\1", b"tfdt\1\0\0\0", b"\0\0\0\1", b"tfhd")),
    Target("demux pcm", _pcm, lambda: [bytes(range(256)) * 8]),
    Target(
        "declared pcm",
        _declared_pcm,
        lambda: [b"audio/l16;rate=16000;channels=2", b'AUDIO/PCM; rate="8000"'],
        tokens=(b"rate=", b"channels=", b"audio/basic"),
    ),
    Target("sniff", _sniff, lambda: recordings("webm opus", "ogg opus", "flac", "wav", "mp3", "adts", "mp4", "aiff")),
    Target("tags", _tags, lambda: [b"ID3\4\0\x10\0\0\1\1" + bytes(30), b"TAG" + bytes(125), b"APETAGEX" + bytes(24)]),
    Target("durations", _durations, lambda: recordings("ogg vorbis", "flac"), tokens=(b"\xff\xf8", b"\x05vorbis")),
    Target("codecs", _codecs, _movie_seeds, tokens=(b"trak", b"mdia", b"stsd", b"esds", b"dOps", b"trex")),
)
