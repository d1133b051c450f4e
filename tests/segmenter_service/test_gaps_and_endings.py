"""What never came, what came too late, what can't be read, and streams that just stop."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import pytest
import redis

from common.ports.blob_store import BlobInfo
from segmenter_service.unannounced import NEAR_CHUNKS
from tests.memory_ports import FakeBlobs
from tests.segmenter_service.stage import Stage, held_state, recording, silence, split, talk, tone, wav, webm

SPEECH = talk(4, 0.6, 5, 0.6, 5, 0.6, 6, 0.6, 5)


def chunks_of_webm() -> list[bytes]:
    return split(webm(SPEECH), 10)


def test_a_missing_chunk_is_waited_for_and_then_named(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    events = stage.upload(chunks_of_webm())
    lost = events.pop(4)
    stage.blobs.delete(lost.object_name)
    stage.deliver(events)
    stage.clock.sleep(29)
    stage.sweep.run()
    assert stage.record().summary is None, "before the deadline nothing is given up"
    stage.clock.sleep(2)
    stage.sweep.run()
    (gap,) = stage.summary().gaps
    assert (gap.from_seq, gap.to_seq) == (4, 4)
    assert 1_500 <= gap.end_ms - gap.start_ms <= 6_000
    assert stage.summary().chunks == 9
    assert stage.summary().audio_ms == pytest.approx(len(SPEECH) / 16, abs=50), "the clock is right after the gap"


def test_a_chunk_that_came_late_is_transcribed_on_its_own(redis_client: redis.Redis) -> None:
    whole = Stage(redis_client)
    whole.deliver(whole.upload(chunks_of_webm()))
    redis_client.flushall()

    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    events = stage.upload(chunks_of_webm())
    late = events.pop(4)
    data = stage.blobs.objects.pop(late.object_name)
    stage.deliver(events[:-1])
    stage.clock.sleep(31)
    stage.sweep.run()
    before = stage.spans()
    stage.blobs.objects[late.object_name] = data
    stage.deliver([late, events[-1]])
    added = [span for span in stage.spans() if span not in before]
    (gap,) = stage.summary().gaps
    assert any(gap.start_ms <= start and end <= gap.end_ms + 32 for start, end in added)
    spans = stage.spans()
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert stage.summary().segments == len(spans)
    covered = sum(end - start for start, end in spans)
    complete = sum(end - start for start, end in whole.spans())
    assert covered >= complete - 1_500
    again = stage.finals()
    stage.deliver([late, *events])
    assert stage.finals() == again, "a late chunk that comes twice adds nothing"


def test_a_first_chunk_that_came_late_brings_back_the_whole_stream(redis_client: redis.Redis) -> None:
    whole = Stage(redis_client)
    whole.deliver(whole.upload(chunks_of_webm()))
    redis_client.flushall()

    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    chunks = chunks_of_webm()
    stage.deliver(stage.upload(chunks[1:], first_seq=1))
    stage.clock.sleep(31)
    stage.sweep.run()
    assert stage.summary().quarantined == 9, "without the header nothing can be read"
    stage.deliver(stage.upload(chunks[:1], end=False))
    assert stage.finals() == whole.finals()
    assert (stage.summary().quarantined, stage.summary().gaps, stage.summary().chunks) == (0, (), 10)
    assert not [name for name in stage.blobs.objects if "/quarantine/" in name or "/gaps/" in name]


def test_a_gap_that_is_decided_stays_decided_after_a_flush(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    events = stage.upload(chunks_of_webm())
    late = events.pop(4)
    data = stage.blobs.objects.pop(late.object_name)
    stage.deliver(events)
    stage.clock.sleep(31)
    stage.sweep.run()
    before = stage.finals()
    stage.blobs.objects[late.object_name] = data
    redis_client.flushall()
    stage.restart()
    stage.deliver([late])
    after = stage.finals()
    assert before.items() < after.items(), "and what came late is added to it"
    spans = stage.spans()
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_a_first_chunk_that_came_late_counts_after_a_flush_too(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    chunks = chunks_of_webm()
    stage.deliver(stage.upload(chunks[1:], first_seq=1))
    stage.clock.sleep(31)
    stage.sweep.run()
    redis_client.flushall()
    stage.restart()
    stage.deliver(stage.upload(chunks[:1], end=False))
    assert (stage.summary().quarantined, stage.summary().gaps, stage.summary().chunks) == (0, (), 10)
    assert stage.spans()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(b"\x00garbage that is no audio" * 40, "unknown_container"), (b"<html>no</html>" * 40, "unknown_container")],
)
def test_what_is_no_audio_goes_to_quarantine_and_the_stream_goes_on(
    redis_client: redis.Redis, bad: bytes, reason: str
) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload([bad, *split(wav(tone(8)), 3)]))
    assert stage.summary().quarantined == 1
    assert stage.spans(), "what follows is read"
    kept = stage.blobs.read(stage.objects.quarantine("00000000"))
    assert msgspec.json.decode(kept)["reason"] == reason
    assert stage.blobs.read(stage.objects.chunk(0)) == bad, "the bytes stay where they were uploaded"


def test_empty_chunks_are_nothing_special(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload([b"", *split(wav(tone(8)), 3), b""]))
    assert stage.summary().quarantined == 0
    assert stage.summary().audio_ms == 8_000


def test_a_stream_without_a_byte_of_audio_ends_too(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload([]))
    assert (stage.summary().audio_ms, stage.summary().segments, stage.summary().chunks) == (0, 0, 0)


def test_a_truncated_header_is_named(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload([webm(tone(5))[:60]]))
    assert stage.summary().quarantined == 1
    assert stage.summary().segments == 0


def test_a_silent_stream_is_flushed_then_closed_and_goes_on_when_it_comes_back(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, IDLE_FLUSH_SEC="60", IDLE_CLOSE_SEC="600")
    chunks = split(wav(tone(12)), 4)
    stage.deliver(stage.upload(chunks[:2], end=False))
    stage.clock.sleep(61)
    stage.sweep.run()
    (flushed,) = stage.spans()
    assert stage.record().summary is None
    stage.clock.sleep(600)
    stage.sweep.run()
    assert stage.summary().audio_ms == pytest.approx(6_000, abs=50)
    stage.deliver(stage.upload(chunks[2:], first_seq=2))
    assert stage.summary().audio_ms == 12_000
    spans = stage.spans()
    assert spans[0] == flushed
    assert spans[-1][1] == pytest.approx(12_000, abs=32)


def test_the_end_waits_for_the_observations_that_the_uploader_counted(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, SPEAKER_WAIT_SEC="5")
    events = stage.upload(split(wav(tone(6)), 2), end=False)
    stage.deliver([*events, stage.end(1, observations=1)])
    assert stage.record().summary is None
    stage.deliver([stage.observe(0, 6_000, ("A", 0, 6_000))])
    assert stage.summary().segments == 1
    assert next(each for each in stage.announced() if each.final).turns[0].speaker == "A"


def test_a_recording_that_can_only_be_read_whole_is_cut_at_its_end(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    m4a = recording(talk(5, 0.6, 7, 3, 6), "ipod", "aac")
    stage.deliver(stage.upload(split(m4a, 7)))
    assert len(stage.spans()) >= 2
    assert stage.summary().audio_ms == pytest.approx(21_600, abs=150)
    assert next(each for each in stage.announced()).epoch_offset_ms > 0


def test_a_late_chunk_completes_a_recording_that_can_only_be_read_whole(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    chunks = split(recording(talk(5, 0.6, 7, 3, 6), "ipod", "aac"), 7)
    stage.deliver(stage.upload(chunks[:3], end=False))
    stage.deliver(stage.upload(chunks[4:], first_seq=4))
    stage.clock.sleep(31)
    stage.sweep.run()
    assert stage.summary().quarantined == 1, "with bytes missing in its middle it is no readable file"
    stage.deliver(stage.upload(chunks[3:4], first_seq=3, end=False))
    assert stage.summary().audio_ms == pytest.approx(21_600, abs=150)
    assert len(stage.spans()) >= 2


def test_silence_alone_makes_no_segment(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(wav(silence(20)), 5)))
    assert not stage.announced()
    assert stage.summary().silence_skipped_ms == 20_000


class ListingBlobs(FakeBlobs):
    """A bucket that remembers from where on chunks were listed."""

    def __init__(self) -> None:
        super().__init__()
        self.listed_after: list[str] = []

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        if "/chunks/" in prefix:
            self.listed_after.append(start_after.rpartition("/")[2])
        return super().list(prefix, start_after=start_after)


@pytest.mark.parametrize(
    ("lost", "listings"),
    [
        pytest.param(range(1, 60, 2), 1, id="near each other"),
        pytest.param((3, 5, 6, 6 + NEAR_CHUNKS), 1, id="as far as that"),
        pytest.param((3, 5, 6, 7 + NEAR_CHUNKS), 2, id="farther"),
    ],
)
def test_gaps_near_each_other_are_looked_through_at_once_for_what_came_late(
    redis_client: redis.Redis, lost: Sequence[int], listings: int
) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="1")
    stage.blobs = blobs = ListingBlobs()
    stage.restart()
    pieces = split(wav(talk(*[1.5, 0.5] * 10)), max(lost) + 3)
    for seq, data in enumerate(pieces):
        if seq not in lost:
            (chunk,) = stage.upload([data], first_seq=seq, chunk_ms=100, end=False)
            stage.deliver([chunk])
            if seq - 1 in lost:
                stage.clock.sleep(1)
                stage.deliver([chunk])
    gaps = held_state(redis_client).gaps
    assert [seq for gap in gaps for seq in range(gap.from_seq, gap.to_seq + 1)] == [*lost]
    late = [lost[0], lost[-1]]
    for seq in late:
        stage.upload([pieces[seq]], first_seq=seq, chunk_ms=100, end=False)
    stage.clock.sleep(11)
    blobs.listed_after.clear()
    stage.sweep.run()
    found = held_state(redis_client).gaps
    assert [seq for gap in found for seq in gap.late] == late
    before_the_last = f"{len(pieces) - 1:08d}"
    quiet = blobs.listed_after[: blobs.listed_after.index(before_the_last)]
    assert len(quiet) == listings
