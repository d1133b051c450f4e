"""No tenant's streams take the room in Redis that other tenants' need; who comes beyond the limit waits, and loses nothing."""

import msgspec
import pytest
import redis

from common.events import StreamErased
from segmenter_service import sweep
from segmenter_service.drain import CLOSED_MS, ENDED_MS
from tests.segmenter_service.stage import START_MS, Stage, split, talk, webm

CHUNKS = split(webm(talk(4, 0.6, 5, 0.6, 5)), 5)


def stage_of(
    client: redis.Redis, connection_id: str, *, tenant: str = "default", most: int = 1, **settings: str
) -> Stage:
    return Stage(client, tenant=tenant, connection_id=connection_id, TENANT_STREAMS=str(most), **settings)


def later(*stages: Stage, ms: int) -> None:
    """The clocks of all of them: each has its own."""
    for stage in stages:
        stage.clock.sleep(ms / 1000)


def is_known(stage: Stage) -> bool:
    return bool(stage.streams.records)


def keys_of(client: redis.Redis, connection_id: str) -> list[str]:
    return [key.decode() for key in client.scan_iter(f"turnscribe:{{*/{connection_id}}}:*")]


def test_a_stream_beyond_the_limit_waits_in_the_bucket_and_is_taken_up_once_another_has_gone(
    redis_client: redis.Redis,
) -> None:
    undisturbed = Stage(redis_client, connection_id="second")
    undisturbed.deliver(undisturbed.upload(CHUNKS))
    redis_client.flushall()

    first, second = stage_of(redis_client, "first"), stage_of(redis_client, "second")
    other = stage_of(redis_client, "first", tenant="other")
    first.deliver(first.upload(CHUNKS, end=False))
    second.deliver(second.upload(CHUNKS))
    other.deliver(other.upload(CHUNKS))
    assert is_known(first)
    assert other.summary().chunks == 5, "another tenant's streams are none of its own"
    assert not is_known(second)
    assert keys_of(redis_client, "second") == []
    second.sweep.run()
    assert not is_known(second)
    assert keys_of(redis_client, "second") == []

    first.deliver([first.end(4)])
    assert first.summary().chunks == 5
    later(first, second, ms=ENDED_MS - 1)
    second.sweep.run()
    assert not is_known(second), "the state of the first one is still there"
    later(first, second, ms=1)
    second.sweep.run()
    assert second.finals() == undisturbed.finals()
    assert second.summary().audio_ms == undisturbed.summary().audio_ms


def test_a_stream_that_is_known_is_never_turned_away(redis_client: redis.Redis) -> None:
    first, second = stage_of(redis_client, "first"), stage_of(redis_client, "second")
    first.deliver(first.upload(CHUNKS[:3], end=False))
    redis_client.flushall()
    second.deliver(second.upload(CHUNKS))
    assert second.summary().chunks == 5, "a flush forgets what was counted too"
    first.deliver([*first.upload(CHUNKS[3:], first_seq=3, end=False), first.end(4)])
    assert first.summary().chunks == 5


def test_who_goes_on_after_a_silence_counts_again(redis_client: redis.Redis) -> None:
    first, second = stage_of(redis_client, "first"), stage_of(redis_client, "second")
    first.deliver(first.upload(CHUNKS[:3], end=False))
    later(first, second, ms=610_000)
    first.sweep.run()
    assert first.summary().chunks == 3
    first.deliver(first.upload(CHUNKS[3:], first_seq=3, end=False))
    later(first, second, ms=CLOSED_MS)
    second.deliver(second.upload(CHUNKS))
    assert not is_known(second)


def test_a_silent_stream_makes_room_an_hour_after_it_was_closed(redis_client: redis.Redis) -> None:
    first, second = stage_of(redis_client, "first"), stage_of(redis_client, "second")
    first.deliver(first.upload(CHUNKS, end=False))
    later(first, second, ms=610_000)
    first.sweep.run()
    later(first, second, ms=CLOSED_MS - 1)
    second.deliver(second.upload(CHUNKS))
    assert not is_known(second)
    later(first, second, ms=1)
    second.sweep.run()
    assert second.summary().chunks == 5


def test_a_stream_counts_for_as_long_as_it_goes_on(redis_client: redis.Redis) -> None:
    """Longer than its state would live if nothing came."""
    first, second = (stage_of(redis_client, name, HOT_STATE_TTL_SEC="90") for name in ("first", "second"))
    minute = split(webm(talk(*[7, 0.6] * 8)), 2)
    for number in range(3):
        first.deliver(first.upload(minute, first_seq=2 * number, chunk_ms=30_000, end=False))
        later(first, second, ms=60_000)
    second.deliver(second.upload(CHUNKS))
    assert not is_known(second)


def test_what_is_erased_makes_room_at_once(redis_client: redis.Redis) -> None:
    first, second = stage_of(redis_client, "first"), stage_of(redis_client, "second")
    first.deliver(first.upload(CHUNKS))
    second.deliver(second.upload(CHUNKS))
    assert not is_known(second)
    tombstone = msgspec.structs.replace(first.record(), erased_at_ms=START_MS)
    first.streams.change("default", "first", lambda _: tombstone)
    first.deliver([StreamErased(tenant="default", meeting_id="meeting-1", connection_id="first")])
    second.sweep.run()
    assert second.summary().chunks == 5


def test_streams_that_wait_keep_no_other_tenants_from_being_found(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "UNREGISTERED_A_SWEEP", 2)
    first = stage_of(redis_client, "first", tenant="a")
    first.deliver(first.upload(CHUNKS, end=False))
    for tenant, connection_id in [*(("a", f"waits-{number}") for number in range(9)), ("a0", "new"), ("b", "new")]:
        unheard_of = stage_of(redis_client, connection_id, tenant=tenant)
        unheard_of.blobs = first.blobs
        unheard_of.upload(CHUNKS)
    found = []
    for _ in range(2):
        first.sweep.run()
        found.append({tenant for tenant, _ in first.streams.records})
    assert found == [{"a", "a0"}, {"a", "a0", "b"}]


@pytest.mark.parametrize("most", [0, 3])
def test_below_the_limit_and_without_one_nobody_waits(redis_client: redis.Redis, most: int) -> None:
    stages = [stage_of(redis_client, f"call-{number}", most=most) for number in range(3)]
    for stage in stages:
        stage.deliver(stage.upload(CHUNKS))
    assert [stage.summary().chunks for stage in stages] == [5, 5, 5]
