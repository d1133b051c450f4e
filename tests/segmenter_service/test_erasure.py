"""A connection that the registry calls erased leaves nothing in the bucket and nothing in Redis, whatever still comes in."""

import random
from collections.abc import Iterator

import msgspec
import pytest
import redis

from common.errors import Retryable
from common.events import StreamErased, StreamOptions
from common.ports.blob_store import BlobInfo
from common.ports.stream_registry import StreamRecord
from segmenter_service import erasure
from segmenter_service.drain import PUSH_S
from tests.segmenter_service.stage import START_MS, Stage, split, talk, webm

ERASED = StreamErased(tenant="default", meeting_id="meeting-1", connection_id="call-1")


@pytest.fixture(scope="module")
def chunks() -> list[bytes]:
    return split(webm(talk(4, 0.6, 5, 0.4, 7, 3.5, 6)), 9)


def decide(stage: Stage) -> None:
    """What the transcribe service does before it publishes the event."""
    tombstone = StreamRecord(
        tenant="default", meeting_id="meeting-1", connection_id="call-1", opened_at_ms=START_MS, erased_at_ms=START_MS
    )
    stage.streams.open(tombstone)
    stage.streams.change("default", "call-1", lambda _: tombstone)


def left(stage: Stage) -> list[object]:
    keys = [key for key in stage.redis.scan_iter() if not key.startswith(b"turnscribe:sweep:")]
    return [*stage.blobs.objects, *keys]


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize("at", [0, 1, 5, 9, 10])
def test_nothing_is_left_of_it_in_bucket_and_redis(
    redis_client: redis.Redis, chunks: list[bytes], at: int, flushed: bool
) -> None:
    stage = Stage(redis_client, TRANSCRIBER_STEP_SEC="2")
    events = stage.upload(chunks)
    stage.deliver([*events[:at], *([stage.observe(0, 3_000, ("A", 0, 3_000))] if at else [])])
    if flushed:
        redis_client.flushall()
    decide(stage)
    stage.deliver([ERASED])
    assert left(stage) == []
    assert stage.record().emptied_at_ms == stage.clock.now_ms()
    assert stage.meetings.stored == {} or at, "a stream that nobody had registered makes no meeting"


def test_what_comes_late_is_erased_as_well(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks[:5], end=False))
    decide(stage)
    stage.deliver([ERASED])
    announced = len(stage.announced())
    stage.deliver([*stage.upload(chunks[5:], first_seq=5), stage.observe(0, 3_000, ("A", 0, 3_000))])
    assert left(stage) == []
    assert len(stage.announced()) == announced
    assert stage.record().summary is None


def test_what_no_event_told_of_is_found_by_its_mark(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    decide(stage)
    stage.upload(chunks)
    assert stage.sweep.run().unregistered == 1
    assert left(stage) == []


def test_its_holder_sees_that_it_is_erased_before_it_leaves(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks[:3], end=False))
    lease = stage.drainer.mailbox("default", "call-1").acquire()
    assert lease is not None
    decide(stage)
    stage.deliver([ERASED])
    assert left(stage), "somebody else holds the lease"
    lease.abandon()
    stage.deliver(stage.upload(chunks[3:4], first_seq=3, end=False))
    assert left(stage) == []


def test_a_holder_that_slept_leaves_no_state_behind(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks[:3], end=False))
    asleep = stage.drainer.mailbox("default", "call-1").acquire()
    assert asleep is not None
    redis_client.delete("turnscribe:{default/call-1}:lease")
    decide(stage)
    stage.deliver([ERASED])
    with pytest.raises(Retryable):
        asleep.commit(b"state", (), swept=True)
    assert left(stage) == []


def test_what_came_in_while_it_was_being_erased_is_looked_at_again(
    redis_client: redis.Redis, chunks: list[bytes]
) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks[:3], end=False))
    decide(stage)
    delete, late = stage.blobs.delete, list[object]()

    def delete_and_upload(name: str) -> None:
        delete(name)
        if name == stage.objects.unregistered and not late:
            late.extend(stage.upload(chunks[3:], first_seq=3))
            stage.deliver(late)  # type: ignore[arg-type]  # events

    stage.blobs.delete = delete_and_upload  # type: ignore[method-assign]
    stage.deliver([ERASED])
    assert late
    assert left(stage) == []


@pytest.mark.parametrize("seed", range(12))
def test_killed_anywhere_it_is_finished_by_the_same_event(
    redis_client: redis.Redis, chunks: list[bytes], seed: int
) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks))
    decide(stage)
    dice, delete, listing = random.Random(seed), stage.blobs.delete, stage.blobs.list
    kills = 3

    def perhaps() -> None:
        nonlocal kills
        if kills and dice.random() < 0.1:
            kills -= 1
            raise Retryable("killed", reason="killed")

    def delete_or_die(name: str) -> None:
        perhaps()
        delete(name)
        perhaps()

    def list_or_die(prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        perhaps()
        return listing(prefix, start_after=start_after)

    stage.blobs.delete = delete_or_die  # type: ignore[method-assign]
    stage.blobs.list = list_or_die  # type: ignore[method-assign]
    if dice.random() < 0.5:
        stage.streams.faults.before.append(Retryable("down", reason="down"))
    stage.deliver([ERASED])
    assert left(stage) == []
    assert stage.record().emptied_at_ms is not None


def test_thousands_of_objects_are_erased_push_by_push(
    redis_client: redis.Redis, chunks: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "BETWEEN_LOOKS", 2)
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks))
    decide(stage)
    delete = stage.blobs.delete

    def slow(name: str) -> None:
        stage.clock.sleep(PUSH_S / 3)
        delete(name)

    stage.blobs.delete = slow  # type: ignore[method-assign]
    pushes = 0
    events = [ERASED]
    while events and pushes < 100:
        pushes += 1
        before = len(stage.publisher.published)
        stage.deliver([events.pop()])
        events += [each for each in stage.publisher.published[before:] if isinstance(each, StreamErased)]
    assert left(stage) == []
    assert pushes > 2


def test_audio_is_erased_without_the_account(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.options = StreamOptions(language="de")
    stage.deliver(stage.upload(chunks))
    before = stage.record()
    stage.streams.change("default", "call-1", lambda found: msgspec.structs.replace(found, audio_erased_at_ms=1))
    stage.deliver([ERASED])
    assert left(stage) == []
    assert stage.record().summary == before.summary
    assert stage.record().options.language == "de"
