"""How the sweep finds connections, how much it does in a call, and where it goes on."""

import pytest
import redis

from common.errors import Permanent, Retryable
from common.events import ChunkStored
from common.object_names import ConnectionObjects
from common.ports.stream_registry import StreamRecord
from common.stored_chunks import StreamDescription, chunk_metadata, claim_metadata, describe_stream
from segmenter_service.drain import CHUNKS_A_PASS, Drainer
from segmenter_service.sweep import BUDGET_S, LEFT_BEHIND_MS, STREAMS_A_SWEEP, UNREGISTERED_A_SWEEP
from tests.segmenter_service.stage import Stage, split, tone, wav

HOUR_S = LEFT_BEHIND_MS / 1000


class Visits(Drainer):
    """Notes whom the sweep looks after; some take their time, some fail."""

    def __init__(self, stage: Stage, *, takes_s: float = 0.0) -> None:
        self.seen: list[str] = []
        self.takes_s = takes_s
        self.errors: dict[str, Exception] = {}
        self._clock = stage.clock

    def look_after(self, record: StreamRecord, *, until_s: float) -> bool:
        self.seen.append(record.connection_id)
        self._clock.sleep(self.takes_s)
        if record.connection_id in self.errors:
            raise self.errors[record.connection_id]
        return True

    def is_full(self, tenant: str) -> bool:
        del tenant
        return False


def visiting(stage: Stage, *, takes_s: float = 0.0) -> Visits:
    visits = Visits(stage, takes_s=takes_s)
    object.__setattr__(stage.sweep, "drainer", visits)
    return visits


def open_streams(stage: Stage, count: int) -> list[str]:
    names = [f"call-{number:04d}" for number in range(count)]
    for name in names:
        stage.streams.open(StreamRecord(tenant="t", meeting_id="m", connection_id=name, opened_at_ms=0))
    return names


def claimed(stage: Stage, connection_id: str, *, described: bool = True) -> ConnectionObjects:
    """What ingest leaves behind when it dies: the mark alone, or the description too."""
    objects = ConnectionObjects("t", connection_id)
    stage.blobs.create(objects.unregistered, b"", claim_metadata(stage.clock.now_ms()))
    if described:
        stage.blobs.create(objects.stream, describe_stream(StreamDescription("m")))
    return objects


def test_a_connection_is_marked_no_longer_once_it_is_registered(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    events = stage.upload(split(wav(tone(4)), 2))
    assert stage.objects.unregistered in stage.blobs.objects
    stage.deliver(events[:1])
    assert stage.objects.unregistered not in stage.blobs.objects


@pytest.mark.parametrize(("said_ms", "registered_ms"), [(-5_000, -5_000), (5_000, 0)])
def test_a_connection_was_opened_when_ingest_took_it_and_not_when_its_event_came(
    redis_client: redis.Redis, said_ms: int, registered_ms: int
) -> None:
    """Of two connections the primary is the one that was opened first, also where the events come the other way round."""
    stage = Stage(redis_client)
    now_ms = stage.clock.now_ms()
    description = StreamDescription("meeting-1", stage.options, now_ms + said_ms)
    stage.blobs.create(stage.objects.stream, describe_stream(description))
    stage.deliver(stage.upload(split(wav(tone(4)), 2), end=False))
    record = stage.streams.get("default", "call-1")
    assert record is not None
    assert record.opened_at_ms == now_ms + registered_ms


def test_the_sweep_registers_what_no_event_told_of(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.upload(split(wav(tone(4)), 2))
    swept = stage.sweep.run()
    assert (swept.unregistered, swept.failed) == (1, 0)
    assert (stage.record().meeting_id, stage.summary().chunks) == ("meeting-1", 2)
    assert stage.objects.unregistered not in stage.blobs.objects
    assert stage.sweep.run().unregistered == 0


def test_a_mark_of_a_registered_stream_goes(redis_client: redis.Redis) -> None:
    """Two instances of ingest began at the same moment; the slower one set the mark after the segmenter had deleted it."""
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(wav(tone(4)), 2)))
    stage.blobs.create(stage.objects.unregistered, b"", claim_metadata(stage.clock.now_ms()))
    before = stage.finals()
    stage.sweep.run()
    assert stage.objects.unregistered not in stage.blobs.objects
    assert stage.finals() == before


def test_a_mark_without_a_description_registers_nobody_and_goes_in_the_end(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    objects = claimed(stage, "never-came", described=False)
    stage.sweep.run()
    stage.clock.sleep(HOUR_S)
    stage.sweep.run()
    assert objects.unregistered in stage.blobs.objects, "somebody may be about to describe it"
    stage.clock.sleep(1)
    stage.sweep.run()
    assert objects.unregistered not in stage.blobs.objects
    assert not stage.streams.records


def test_who_describes_a_connection_while_its_old_mark_is_deleted_is_seen(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    objects = claimed(stage, "late", described=False)
    stage.clock.sleep(HOUR_S + 1)
    delete = stage.blobs.delete

    def described_meanwhile(name: str) -> None:
        stage.blobs.create(objects.stream, describe_stream(StreamDescription("m")))
        delete(name)

    stage.blobs.delete = described_meanwhile  # type: ignore[method-assign]  # a race
    stage.sweep.run()
    assert stage.streams.get("t", "late") is not None


def test_a_mark_stays_while_somebody_else_is_at_its_connection(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.upload(split(wav(tone(4)), 2))
    lease = stage.drainer.mailbox("default", "call-1").acquire()
    assert lease is not None
    stage.sweep.run()
    assert stage.objects.unregistered in stage.blobs.objects
    lease.abandon()
    stage.sweep.run()
    assert stage.summary().chunks == 2


def test_a_mark_that_nobody_can_read_hinders_nothing(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.blobs.create("raw/unregistered/.odd/name", b"", {})
    stage.upload(split(wav(tone(4)), 2))
    swept = stage.sweep.run()
    assert (swept.unregistered, swept.failed) == (2, 1)
    assert stage.summary().chunks == 2


def test_every_open_stream_has_its_turn_across_calls_and_restarts(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    names = open_streams(stage, 2 * STREAMS_A_SWEEP + 50)
    seen = []
    for expected in (STREAMS_A_SWEEP, STREAMS_A_SWEEP, 50):
        stage.restart()
        visits = visiting(stage)
        swept = stage.sweep.run()
        assert (swept.streams, swept.unfinished) == (expected, expected == STREAMS_A_SWEEP)
        seen += visits.seen
    assert seen == names
    visits = visiting(stage)
    stage.sweep.run()
    assert visits.seen == names[:STREAMS_A_SWEEP], "and then from the beginning"


def test_without_its_cursor_the_sweep_begins_at_the_beginning(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    names = open_streams(stage, STREAMS_A_SWEEP + 1)
    visiting(stage)
    stage.sweep.run()
    redis_client.flushall()
    visits = visiting(stage)
    stage.sweep.run()
    assert visits.seen == names[:STREAMS_A_SWEEP]


def test_new_connections_have_a_limit_too(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    for number in range(UNREGISTERED_A_SWEEP + 5):
        claimed(stage, f"call-{number:04d}", described=False)
    assert stage.sweep.run().unregistered == UNREGISTERED_A_SWEEP
    assert stage.sweep.run().unregistered == 5


def test_a_sweep_ends_in_time_and_the_next_goes_on(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    names = open_streams(stage, 10)
    visits = visiting(stage, takes_s=BUDGET_S / 4)
    swept = stage.sweep.run()
    assert (swept.streams, swept.unfinished) == (4, True)
    stage.sweep.run()
    assert visits.seen == names[:8]


def test_new_connections_take_half_the_time_at_most(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    for number in range(10):
        claimed(stage, f"new-{number}")
    open_streams(stage, 10)
    visiting(stage, takes_s=BUDGET_S / 4)
    swept = stage.sweep.run()
    assert (swept.unregistered, swept.streams, swept.unfinished) == (2, 2, True)


def test_one_failing_stream_keeps_no_other_waiting(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    names = open_streams(stage, 4)
    visits = visiting(stage)
    visits.errors = {names[0]: Retryable("down", reason="down"), names[2]: Permanent("bad", reason="bad")}
    assert stage.sweep.run().failed == 2
    assert visits.seen == names


def test_a_stream_that_ends_the_process_does_not_come_first_again(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    names = open_streams(stage, 3)
    visits = visiting(stage)
    visits.errors = {names[0]: MemoryError()}
    try:
        stage.sweep.run()
    except MemoryError:
        stage.restart()
    visits = visiting(stage)
    stage.sweep.run()
    assert visits.seen == names[1:]


def test_a_long_backlog_is_given_back_when_time_is_up_and_finished_by_the_next(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    count = 2 * CHUNKS_A_PASS + 10
    pieces = split(wav(tone(30)), count)
    stage.blobs.create(stage.objects.stream, describe_stream(StreamDescription("meeting-1")))
    stage.upload(pieces)
    stage.streams.open(
        StreamRecord(
            tenant="default", meeting_id="meeting-1", connection_id="call-1", opened_at_ms=stage.clock.now_ms()
        )
    )
    assert not stage.drainer.look_after(stage.record(), until_s=0.0)
    for _ in range(2):
        assert stage.record().summary is None
        stage.drainer.look_after(stage.record(), until_s=0.0)
    assert stage.drainer.look_after(stage.record(), until_s=0.0)
    assert stage.summary().chunks == count


def test_lost_events_of_many_connections_are_all_found(redis_client: redis.Redis) -> None:
    """A broker that forgot everything."""
    stage = Stage(redis_client)
    data = wav(tone(3))
    for number in range(5):
        objects = claimed(stage, f"call-{number}")
        event = ChunkStored(
            tenant="t",
            meeting_id="m",
            connection_id=f"call-{number}",
            seq=0,
            object_name=objects.chunk(0),
            size_bytes=len(data),
            captured_at_ms=stage.clock.now_ms(),
        )
        stage.blobs.create(event.object_name, data, chunk_metadata(event))
    stage.sweep.run()
    stage.clock.sleep(61)
    stage.sweep.run()
    assert sorted(event.connection_id for event in stage.announced() if event.final) == [f"call-{n}" for n in range(5)]
