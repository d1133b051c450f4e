"""What a stream's record, its segments and its account say of what it heard: others take over by that."""

import msgspec
import numpy as np
import pytest
import redis

from common.errors import Retryable
from common.events import StreamOptions
from common.stored_chunks import StreamDescription, describe_stream
from tests.segmenter_service.stage import START_MS, Stage, silence, split, talk, tone, wav, webm

OWN = StreamOptions(connections="per_participant", participant="Ann")


def test_the_registry_knows_what_the_first_chunk_said(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.options = OWN
    stage.deliver(stage.upload(split(wav(talk(4)), 2)))
    assert stage.record().options == OWN


def test_where_speakers_came_before_any_chunk_it_knows_once_that_is_drained(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.blobs.create(stage.objects.stream, describe_stream(StreamDescription("meeting-1")))
    stage.deliver([stage.observe(0, 1_000, ("Ann", 0, 1_000))])
    assert stage.record().options == StreamOptions()
    stage.options = OWN
    events = stage.upload(split(wav(talk(4)), 2))
    stage.deliver(events[:1])
    assert stage.record().options == OWN
    redis_client.flushall()
    stage.deliver(events[1:])
    assert (stage.record().options, stage.summary().segments) == (OWN, 1)


def test_a_registry_that_is_down_loses_no_option(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.blobs.create(stage.objects.stream, describe_stream(StreamDescription("meeting-1")))
    stage.deliver([stage.observe(0, 1_000)])
    stage.options = OWN
    events = stage.upload(split(wav(talk(4)), 2))
    stage.streams.faults.before.append(Retryable("down for a moment", reason="down"))
    stage.deliver(events)
    assert stage.record().options == OWN


def test_the_account_says_where_in_time_the_stream_lay(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.options = StreamOptions(channels="separate", started_at_ms=START_MS - 5_000)
    stage.deliver(stage.upload(split(wav(np.stack([talk(4), silence(4)])), 2)))
    summary = stage.summary()
    assert (summary.epoch_offset_ms, summary.channels) == (START_MS - 5_000, 2)
    assert summary.length_ms == pytest.approx(4_000, abs=40)


def test_segments_are_whole_from_the_end_of_the_one_before_while_no_chunk_is_missing(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(webm(np.concatenate([tone(4), silence(9), tone(4)])), 6)))
    (_, first_end), _ = stage.spans()
    first, second = [each for each in stage.announced() if each.final]
    assert (first.whole_from_ms, second.whole_from_ms) == (0, first_end)
    assert second.start_ms - first_end > 5_000, "the silence between them was heard"


def test_after_a_gap_they_are_whole_from_its_end(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    events = stage.upload(split(webm(talk(4, 0.6, 5, 0.6, 5, 0.6, 6, 0.6, 5)), 10))
    late = events.pop(4)
    data = stage.blobs.objects.pop(late.object_name)
    stage.deliver(events)
    stage.clock.sleep(31)
    stage.sweep.run()
    (gap,) = stage.summary().gaps
    finals = sorted((each for each in stage.announced() if each.final), key=lambda each: each.start_ms)
    ends = [0, *(each.end_ms for each in finals)]
    for each, end_before in zip(finals, ends, strict=False):
        assert each.whole_from_ms == (
            gap.end_ms // 32 * 32 if end_before <= gap.start_ms + 32 < each.start_ms else end_before
        )
    stage.blobs.objects[late.object_name] = data
    stage.deliver([late])
    filling = [each for each in stage.announced() if each.final and gap.start_ms <= each.start_ms < gap.end_ms - 32]
    assert filling
    assert all(each.whole_from_ms == each.start_ms for each in filling), "what late chunks gave speaks for itself alone"


def test_an_account_of_an_earlier_release_is_read(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(wav(talk(4)), 2)))
    told = msgspec.to_builtins(stage.summary())
    old = msgspec.convert(
        {key: told[key] for key in told if key not in {"channels", "epoch_offset_ms"}}, type(stage.summary())
    )
    assert (old.channels, old.epoch_offset_ms) == (1, None)
