"""A holder that dies leaves its lease behind for a while. Whatever was pushed meanwhile is drained, of streams that are closed too."""

from contextlib import suppress
from typing import Any

import pytest
import redis

from common.errors import Retryable
from common.events import Event
from segmenter_service import mailbox
from segmenter_service.holding import Holding
from segmenter_service.relabelling import relabel
from tests.memory_ports import FakeStreams
from tests.segmenter_service.stage import Stage, split, talk, wav, webm

CHUNKS = split(webm(talk(4, 0.6, 5, 0.6, 5)), 5)


class Killed(BaseException):
    """Stands for `kill -9`: nothing runs after it."""


@pytest.fixture(autouse=True)
def killed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who dies gives nothing back; who finds a lease taken does not wait long."""
    monkeypatch.setattr("segmenter_service.drain._give_back", lambda _: None)
    monkeypatch.setattr(mailbox, "_WAIT_S", 0.05)


def die_at(monkeypatch: pytest.MonkeyPatch, stage: Stage, owner: object, method: str, events: list[Event]) -> None:
    """`events` are pushed to a process that dies when it comes to `owner.method`."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, method, die)
        with pytest.raises(Killed):
            stage.deliver(events)
    stage.restart()


def expire(client: redis.Redis) -> None:
    """The time of a lease is over, and of whatever lives no longer."""
    for key in client.scan_iter("turnscribe:*"):
        if client.pttl(key) <= mailbox.LEASE_MS:
            client.delete(key)


def left(client: redis.Redis) -> list[bytes]:
    return [*client.scan_iter("turnscribe:*:mail"), *client.scan_iter("turnscribe:*:lease")]


def test_who_dies_before_it_stores_the_account_leaves_it_to_the_sweep(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(CHUNKS, end=False))
    die_at(monkeypatch, stage, stage.streams, "close", [stage.end(4)])
    expire(redis_client)
    stage.sweep.run()
    assert stage.summary().chunks == 5
    assert left(redis_client) == []


def test_a_push_that_meets_the_dead_holder_of_a_closed_stream_comes_again(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    first, missing, *rest = stage.upload(split(wav(talk(4, 0.6, 5, 0.6, 5)), 5), end=False)
    late = stage.blobs.objects.pop(stage.objects.chunk(1))
    stage.deliver([first, *rest, stage.end(4)])
    stage.clock.sleep(40)
    stage.sweep.run()
    assert [(gap.from_seq, gap.to_seq) for gap in stage.summary().gaps] == [(1, 1)]
    before = stage.summary()
    stage.blobs.objects[stage.objects.chunk(1)] = late
    die_at(monkeypatch, stage, stage.streams, "close", [missing])
    expire(redis_client)
    stage.restart()
    stage.deliver([missing])
    assert stage.summary() != before
    assert left(redis_client) == []


def test_what_is_pushed_to_a_dead_holder_of_a_closed_stream_is_not_acknowledged(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    events = stage.upload(CHUNKS)
    stage.deliver(events)
    assert stage.drainer.mailbox("default", "call-1").acquire() is not None
    with pytest.raises(Retryable) as raised:
        stage.drainer.deliver(stage.observe(0, 15_000, ("Ada", 0, 5_000)))
    assert raised.value.reason == "lease_held"
    assert left(redis_client) == [b"turnscribe:{default/call-1}:lease"]


def test_a_repetition_whose_taker_dies_leaves_nothing_at_a_closed_stream(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(redis_client)
    events = stage.upload(CHUNKS)
    stage.deliver(events)
    die_at(monkeypatch, stage, stage.drainer, "_while_held", events[:1])
    assert left(redis_client) == [b"turnscribe:{default/call-1}:mail", b"turnscribe:{default/call-1}:lease"]
    expire(redis_client)
    assert left(redis_client) == [], "nobody repeats a push that was answered long ago"


def test_what_waits_in_an_open_stream_outlives_the_lease_of_who_put_it_in(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(redis_client)
    events = stage.upload(CHUNKS, end=False)
    stage.deliver(events[:2])
    die_at(monkeypatch, stage, stage.drainer, "_while_held", events[2:3])
    expire(redis_client)
    assert left(redis_client) == [b"turnscribe:{default/call-1}:mail"]
    stage.sweep.run()
    assert left(redis_client) == []


def test_what_a_closed_stream_cannot_take_in_yet_outlives_the_lease_of_who_put_it_in(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(CHUNKS[:3]))
    stage.deliver(stage.upload(CHUNKS[4:], first_seq=4, end=False))
    expire(redis_client)
    stage.deliver(stage.upload(CHUNKS[3:4], first_seq=3, end=False))
    assert stage.summary().chunks == 5
    assert left(redis_client) == []


def test_work_that_takes_longer_than_a_lease_keeps_its_mail(redis_client: redis.Redis) -> None:
    box = Stage(redis_client).drainer.mailbox("default", "call-1")
    lease = box.take(b"c:0", b"first")
    assert lease is not None
    lease.contents()
    for key in ("lease", "mail"):
        redis_client.pexpire(f"turnscribe:{{default/call-1}}:{key}", 100)
    lease.renew()
    assert redis_client.pttl("turnscribe:{default/call-1}:mail") > 1_000
    lease.commit(b"", (), swept=False)
    assert redis_client.pttl("turnscribe:{default/call-1}:mail") > mailbox.LEASE_MS
    assert lease.contents().mail == {b"c:0": b"first"}


def test_a_stream_that_goes_on_after_it_was_closed_for_being_idle_is_looked_after_again(
    redis_client: redis.Redis,
) -> None:
    stage = Stage(redis_client, IDLE_CLOSE_SEC="600")
    stage.deliver(stage.upload(CHUNKS[:3], end=False))
    stage.clock.sleep(660)
    stage.sweep.run()
    assert stage.summary().chunks == 3
    stage.deliver(stage.upload(CHUNKS[3:], first_seq=3, end=False))
    assert [each.connection_id for each in stage.streams.open_streams(limit=9)] == ["call-1"]
    stage.clock.sleep(660)
    stage.sweep.run()
    assert (stage.summary().chunks, stage.streams.open_streams(limit=9)) == (5, [])


def test_who_dies_while_it_opens_a_stream_again_leaves_it_to_the_sweep(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(redis_client, IDLE_CLOSE_SEC="600")
    stage.deliver(stage.upload(CHUNKS[:3], end=False))
    stage.clock.sleep(660)
    stage.sweep.run()
    (fourth,) = stage.upload(CHUNKS[3:4], first_seq=3, end=False)
    die_at(monkeypatch, stage, mailbox.Lease, "settle", [fourth])
    assert stage.streams.open_streams(limit=9)
    expire(redis_client)
    stage.sweep.run()
    assert left(redis_client) == []
    assert stage.streams.open_streams(limit=9), "nothing came for 10 minutes, but of that chunk"
    stage.clock.sleep(660)
    stage.sweep.run()
    assert (stage.summary().chunks, stage.streams.open_streams(limit=9)) == (4, [])


def test_a_closed_stream_that_redis_forgot_is_open_while_it_is_rebuilt(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(redis_client)
    events = stage.upload(CHUNKS)
    stage.deliver(events)
    redis_client.flushall()
    die_at(monkeypatch, stage, stage.streams, "close", events[:1])
    assert stage.streams.open_streams(limit=9), "should nobody push that event again"
    expire(redis_client)
    stage.sweep.run()
    assert (stage.summary().chunks, stage.streams.open_streams(limit=9)) == (5, [])
    assert left(redis_client) == []


@pytest.mark.parametrize("ends", ["its time is over", "it dies"])
def test_what_comes_in_while_the_sweep_closes_a_stream_is_drained_however_the_sweep_ends(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """It was acknowledged while the stream was open: its holder sees it, or the next sweep."""
    stage = Stage(redis_client)
    stage.deliver(stage.upload(CHUNKS, end=False))
    stage.end(4)
    stage.clock.sleep(11)
    (listed,) = stage.streams.open_streams(limit=9)
    came: list[Event] = []

    def push_once_it_is_closed(holding: Holding) -> None:
        relabel(holding)
        if holding.state.closed and not came:
            came.append(stage.observe(0, 15_000, ("Ada", 0, 5_000), ("Ben", 5_000, 15_000)))
            stage.drainer.deliver(came[0])
            stage.clock.sleep(60)
            if ends == "it dies":
                monkeypatch.setattr(stage.streams, "close", store_and_die)

    def store_and_die(*arguments: Any) -> None:
        FakeStreams.close(stage.streams, *arguments)
        raise Killed

    monkeypatch.setattr("segmenter_service.drain.relabel", push_once_it_is_closed)
    with suppress(Killed):
        stage.drainer.look_after(listed, until_s=stage.clock.monotonic_s() + 30)
    assert came
    monkeypatch.undo()
    expire(redis_client)
    stage.restart()
    stage.sweep.run()
    assert left(redis_client) == []
    assert {turn.speaker for each in stage.relabelled() for turn in each.turns} == {"Ada", "Ben"}
    assert (stage.summary().chunks, stage.streams.open_streams(limit=9)) == (5, [])


def test_a_stream_that_was_closed_while_the_sweep_was_on_its_way_keeps_its_account(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(CHUNKS, end=False))
    (listed,) = stage.streams.open_streams(limit=9)
    stage.deliver([stage.end(4)])
    account = stage.summary()
    stage.clock.sleep(5)
    assert stage.drainer.look_after(listed, until_s=stage.clock.monotonic_s() + 60)
    assert stage.summary() == account
