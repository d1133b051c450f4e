"""What Redis holds of streams that have ended goes soon; what comes after that changes nothing."""

import redis

from segmenter_service.drain import CLOSED_MS, ENDED_MS
from tests.segmenter_service.stage import Stage, split, talk, webm

CHUNKS = split(webm(talk(4, 0.6, 5, 0.6, 5)), 5)


def lives_ms(client: redis.Redis) -> dict[str, int]:
    """How long each key of the connection lives from now on."""
    return {key.decode().rpartition(":")[2]: client.pttl(key) for key in client.scan_iter("turnscribe:{*")}


def test_everything_of_an_ended_stream_goes_soon(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(CHUNKS))
    assert stage.summary().chunks == 5
    lives = lives_ms(redis_client)
    assert lives.keys() == {"state", "bell", "fence"}
    assert all(0 < each_ms <= ENDED_MS for each_ms in lives.values())


def test_a_repeated_event_makes_it_last_no_longer(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    events = stage.upload(CHUNKS)
    stage.deliver(events)
    stage.deliver(events[2:3])
    assert all(0 < each_ms <= ENDED_MS for each_ms in lives_ms(redis_client).values())


def test_a_shorter_time_to_live_is_never_made_longer(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, HOT_STATE_TTL_SEC="60")
    stage.deliver(stage.upload(CHUNKS))
    assert all(0 < each_ms <= 60_000 for each_ms in lives_ms(redis_client).values())


def test_a_stream_that_has_not_ended_keeps_its_state_for_a_day_and_once_it_is_closed_for_an_hour(
    redis_client: redis.Redis,
) -> None:
    stage = Stage(redis_client, IDLE_CLOSE_SEC="600")
    stage.deliver(stage.upload(CHUNKS, end=False))
    assert lives_ms(redis_client)["state"] > CLOSED_MS
    stage.clock.sleep(660)
    stage.sweep.run()
    assert stage.summary().chunks == 5
    lives = lives_ms(redis_client)
    assert lives.keys() == {"state", "bell", "fence"}
    assert all(ENDED_MS < each_ms <= CLOSED_MS for each_ms in lives.values()), "its uploader may come back"


def test_what_comes_once_it_is_gone_changes_nothing(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    events = stage.upload(CHUNKS)
    stage.deliver(events)
    finals, spans, before = stage.finals(), stage.spans(), stage.summary()
    redis_client.flushall()
    stage.clock.sleep(ENDED_MS / 1000)
    stage.deliver(events[::-1])
    assert stage.finals() == finals
    assert stage.spans() == spans
    after = stage.summary()
    assert (after.audio_ms, after.segments, after.segment_ms) == (before.audio_ms, before.segments, before.segment_ms)
    assert all(0 < each_ms <= ENDED_MS for each_ms in lives_ms(redis_client).values())


def test_what_is_said_late_of_its_speakers_counts_though_it_is_gone(redis_client: redis.Redis) -> None:
    kept, gone = Stage(redis_client), Stage(redis_client)
    for stage in (kept, gone):
        redis_client.flushall()
        stage.deliver(stage.upload(CHUNKS))
        if stage is gone:
            redis_client.flushall()
        stage.deliver([stage.observe(0, 15_000, ("Ada", 0, 5_000), ("Ben", 5_000, 15_000))])
    assert [each.turns for each in gone.relabelled()] == [each.turns for each in kept.relabelled()]
    assert kept.relabelled()
