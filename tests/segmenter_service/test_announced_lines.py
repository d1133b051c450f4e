"""What the log says of announced segments, which metrics are made of: how long audio waited for its cut, and how much was heard."""

from typing import Any

import numpy as np
import pytest
import redis
from structlog.testing import capture_logs

from tests.segmenter_service.stage import Stage, silence, split, talk, tone, webm


def announced(lines: list[Any], *, final: bool = True) -> list[Any]:
    return [line for line in lines if line["event"] == "segment_announced" and line["final"] is final]


def test_a_segment_says_how_long_ago_its_last_audio_came(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver([stage.observe(0, 1)])  # speakers are known from here on, so the cut waits for more of them
    first, second = stage.upload(split(webm(np.concatenate([tone(5), silence(3)])), 2), end=False)
    with capture_logs() as lines:
        stage.deliver([first])
        stage.clock.advance(2)
        stage.deliver([second])
        assert announced(lines) == []
        stage.clock.advance(60)
        stage.deliver([second])
    (line,) = announced(lines)
    assert line["waited_ms"] == 60_000


def test_the_lines_of_final_segments_add_up_to_the_audio(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    with capture_logs() as lines:
        stage.deliver(stage.upload(split(webm(talk(4, 0.6, 5, 3.5, 6, 0.3, 4)), 15)))
    finals = announced(lines)
    assert len(finals) >= 2
    assert all(line["waited_ms"] == 0 for line in finals), "the clock stood still"
    assert sum(line["heard_ms"] for line in finals) == pytest.approx(stage.summary().audio_ms, abs=100)
    assert sum(line["length_ms"] for line in finals) == pytest.approx(stage.summary().segment_ms, abs=100)


def test_nobody_waited_for_the_audio_of_a_late_chunk(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    events = stage.upload(split(webm(talk(30)), 10), end=False)
    late = events.pop(4)
    blob = stage.blobs.objects.pop(late.object_name)  # type: ignore[attr-defined]  # a chunk's event names its object
    stage.deliver(events)
    stage.clock.advance(stage.settings.gap_deadline_sec + 1)
    stage.deliver(events[-1:])
    stage.blobs.objects[late.object_name] = blob  # type: ignore[attr-defined]
    with capture_logs() as lines:
        stage.deliver([late, stage.end(9)])
    waits = [line["waited_ms"] for line in announced(lines)]
    assert None in waits
