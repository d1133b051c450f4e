"""The whole reader: bytes into PCM, through libavcodec; split, restored and interrupted anywhere."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import numpy as np

from common.errors import Permanent
from segmenter_service.audio.decode import PcmBlock
from segmenter_service.audio.packets import Item, Lost, Unreadable
from segmenter_service.audio.reader import AudioReader
from segmenter_service.audio.sniff import recording_begun_by
from segmenter_service.audio.whole import decode_whole
from tests.fuzz.recordings import recording, recordings
from tests.fuzz.target import Target, chance, pieces

CONTENT_TYPES: Final = ("", "audio/webm", "audio/l16;rate=8000;channels=2", "audio/pcm;rate=1000", "audio/basic")
MAX_HOURS: Final = 30
STATE_BYTES: Final = 1 << 16


def check(blocks: list[PcmBlock]) -> None:
    """Nothing goes back, nothing is endless, and samples are there for the whole of each block."""
    at = 0
    for block in blocks:
        assert block.first_sample >= at, "the clock went back"
        assert block.samples.dtype == np.int16
        at = block.first_sample + block.samples.shape[1]
    assert at <= MAX_HOURS * 3_600 * 16_000


class WatchedReader(AudioReader):
    """Says what it could not read, also where the rest of the chunk was read all the same."""

    damage: list[str]

    def _items(self, data: bytes) -> Iterator[Item]:
        try:
            for item in super()._items(data):
                if isinstance(item, Lost):
                    self.damage.append(item.problem)
                yield item
        except Unreadable as error:
            self.damage.append(error.reason)
            raise


def watched(reader: AudioReader, damage: list[str]) -> WatchedReader:
    """The same reader, elsewhere."""
    found = WatchedReader(reader._state)
    found.damage = damage
    return found


def read(
    reader: AudioReader, chunks: list[bytes], lost_before: int | None = None
) -> tuple[list[PcmBlock], list[str], str | None]:
    """Blocks, what of the chunks could not be read and would have gone to quarantine in part, and the container."""
    blocks: list[PcmBlock] = []
    reasons: list[str] = []
    for index, chunk in enumerate(chunks):
        reader = watched(reader, reasons)
        if index == lost_before:
            reader.lost()
        try:
            blocks += reader.feed(chunk)
        except Permanent as error:
            reasons.append(error.reason)
        state = reader.snapshot()
        assert len(state) <= 2 * sum(map(len, chunks)) + STATE_BYTES
        reader = AudioReader.restore(state)
        end_ms = reader.demuxed_end_ms
        assert end_ms is None or 0 <= end_ms <= MAX_HOURS * 3_600_000
    try:
        blocks += reader.finish(lambda: iter(chunks))
    except Permanent as error:
        reasons.append(error.reason)
    return blocks, reasons, reader.container


def _reader(data: bytes) -> None:
    draw = chance(data)
    content_type, keep = draw.choice(CONTENT_TYPES), draw.random() < 0.3
    chunks = pieces(data)

    def new() -> AudioReader:
        return AudioReader.new(content_type, keep_channels=keep)

    whole, why, container = read(new(), [data])
    check(whole)
    split, why_split, container_of_split = read(new(), chunks)
    check(split)
    # After damage, and with a chunk that begins like a recording of its own, chunks matter: that is what they are for. So they do where
    # bytes could be of two containers.
    begins = any(recording_begun_by(chunk) for chunk in chunks[1:])
    if not why and not why_split and not begins and container == container_of_split:
        assert [each.first_sample for each in whole] == [each.first_sample for each in split]
        assert all(np.array_equal(a.samples, b.samples) for a, b in zip(whole, split, strict=True))
    interrupted, _, _ = read(new(), chunks, lost_before=draw.randrange(len(chunks)))
    check(interrupted)


def _whole(data: bytes) -> None:
    with suppress(Permanent):
        check(list(decode_whole(iter(pieces(data)), from_byte=0, keep_channels=bool(len(data) & 1))))


def _restored(data: bytes) -> None:
    with suppress(Permanent):
        AudioReader.restore(data)


def _snapshots() -> list[bytes]:
    found = []
    for name in ("webm opus", "mp4 aac", "ogg vorbis", "flac", "wav"):
        reader = AudioReader.new("audio/webm", keep_channels=False)
        list(reader.feed(recording(name)[:900]))
        found.append(reader.snapshot())
    return found


def _of(name: str, *kinds: str) -> Target:
    seeds: Callable[[], list[bytes]] = lambda: recordings(*kinds)  # noqa: E731
    return Target(f"read {name}", _reader, seeds)


TARGETS: Final = (
    _of("webm", "webm", "matroska"),
    _of("ogg", "ogg"),
    _of("frames", "mp3", "adts"),
    _of("lossless", "flac", "wav"),
    _of("mp4", "mp4"),
    Target("read whole", _whole, lambda: recordings("m4a", "aiff", "caf")),
    Target("reader state", _restored, _snapshots),
)
