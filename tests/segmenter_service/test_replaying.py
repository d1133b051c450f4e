"""A connection that is replayed is cut anew from its chunks, with what was cut before out of its way."""

import random

import msgspec
import pytest
import redis

from common.errors import Retryable
from common.events import StreamReplayed
from common.object_names import ConnectionObjects
from common.ports.stream_registry import StreamRecord
from tests.segmenter_service.stage import Stage, split, talk, webm

REPLAYED = StreamReplayed(tenant="default", meeting_id="meeting-1", connection_id="call-1", generation=1)
ANEW = ConnectionObjects("default", "call-1", generation=1)


@pytest.fixture(scope="module")
def chunks() -> list[bytes]:
    return split(webm(talk(4, 0.6, 5, 0.4, 7, 3.5, 6)), 9)


def decide(stage: Stage) -> None:
    def again(found: StreamRecord) -> StreamRecord:
        return msgspec.structs.replace(found, generation=found.generation + 1, summary=None)

    stage.streams.change("default", "call-1", again)


def finals(stage: Stage, prefix: str) -> dict[str, bytes]:
    return {
        name.removeprefix(prefix): held.data for name, held in stage.blobs.objects.items() if name.startswith(prefix)
    }


def as_before(stage: Stage) -> bool:
    return finals(stage, ANEW.finals_prefix) == finals(stage, stage.objects.finals_prefix) != {}


def test_everything_is_cut_again_and_announced_as_newer(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks))
    before, announced = stage.summary(), len(stage.announced())
    decide(stage)
    stage.deliver([REPLAYED])
    assert stage.summary() == msgspec.structs.replace(before, generation=1)
    again = [each for each in stage.announced()[announced:] if each.final]
    assert {each.generation for each in again} == {1}
    assert len(again) == before.segments
    assert as_before(stage)
    assert all(each.object_name.startswith(ANEW.finals_prefix) for each in again)


def test_told_twice_it_is_cut_once(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks))
    decide(stage)
    stage.deliver([REPLAYED])
    announced = len(stage.announced())
    stage.deliver([REPLAYED])
    assert len(stage.announced()) == announced
    decide(stage)
    stage.deliver([REPLAYED])
    assert stage.summary().generation == 2


def test_an_open_stream_goes_on_after_it(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks[:5], end=False))
    decide(stage)
    stage.deliver([REPLAYED])
    stage.deliver(stage.upload(chunks[5:], first_seq=5))
    undisturbed = Stage(redis_client)
    redis_client.flushall()
    undisturbed.deliver(undisturbed.upload(chunks))
    assert finals(stage, ANEW.finals_prefix) == finals(undisturbed, stage.objects.finals_prefix) != {}
    assert msgspec.structs.replace(stage.summary(), closed_at_ms=0, generation=0) == msgspec.structs.replace(
        undisturbed.summary(), closed_at_ms=0
    )


@pytest.mark.parametrize("flushed", [False, True])
def test_the_sweep_replays_what_no_event_told_of(redis_client: redis.Redis, chunks: list[bytes], flushed: bool) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks))
    decide(stage)
    if flushed:
        redis_client.flushall()
    stage.restart()
    assert stage.sweep.run().streams == 1
    assert stage.summary().generation == 1
    assert as_before(stage)


@pytest.mark.parametrize("port", ["blobs", "publisher", "streams"])
@pytest.mark.parametrize("seed", range(4))
def test_failures_anywhere_delay_it_and_change_nothing(
    redis_client: redis.Redis, chunks: list[bytes], port: str, seed: int
) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks))
    decide(stage)
    dice = random.Random(seed)
    for _ in range(3):
        faults = getattr(stage, port).faults
        (faults.before if dice.random() < 0.5 else faults.after).append(Retryable("down", reason="down"))
        if dice.random() < 0.5:
            redis_client.flushall()
            stage.restart()
        stage.deliver([REPLAYED])
    assert stage.summary().generation == 1
    assert as_before(stage)


def test_a_holder_that_slept_through_it_disturbs_nothing(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks[:5], end=False))
    lease = stage.drainer.mailbox("default", "call-1").acquire()
    assert lease is not None
    state = lease.contents().state
    assert state
    redis_client.delete("turnscribe:{default/call-1}:lease")
    decide(stage)
    stage.deliver([REPLAYED])
    with pytest.raises(Retryable):
        lease.commit(state, (), swept=True)
    stage.blobs.create(stage.objects.final_segment(0, 0), b"cut elsewhere", {"end-frame": "40", "revision": "1"})
    stage.deliver(stage.upload(chunks[5:], first_seq=5))
    assert stage.summary().generation == 1
    assert finals(stage, ANEW.finals_prefix)


def test_what_could_not_be_read_is_looked_at_again(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks))
    stage.blobs.create(stage.objects.quarantine("old"), b"?", {"reason": "an earlier release could not read it"})
    decide(stage)
    stage.deliver([REPLAYED])
    assert not [name for name in stage.blobs.objects if name.startswith(stage.objects.quarantine_prefix)]
