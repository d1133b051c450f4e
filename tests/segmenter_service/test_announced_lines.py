"""What the log says of announced segments, which metrics are made of: how long audio waited for its cut, and how much was heard."""

from typing import Any

import numpy as np
import pytest
import redis
from structlog.testing import capture_logs

from common.errors import Permanent
from common.events import ChunkStored, to_message
from common.health import Drain
from common.push import SharedTokenAuth, push_blueprint
from common.settings import Secret
from common.web import base_app
from tests.segmenter_service.stage import START_MS, Stage, silence, split, talk, tone, wav, webm

AUTH = SharedTokenAuth(Secret("push"))


def keep_nothing(_body: bytes, error: Permanent) -> None:
    raise AssertionError("nothing is wrong with these events") from error


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


def test_a_segment_carries_when_ingest_accepted_its_last_audio(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    app = base_app("segmenter", {}, Drain())
    app.register_blueprint(push_blueprint({ChunkStored: stage.drainer.deliver}, keep_nothing, AUTH))
    for seq, data in enumerate(split(wav(np.concatenate([tone(5), silence(5)])), 5)):
        (event,) = stage.upload([data], first_seq=seq, end=False)
        message = to_message(event, source="/turnscribe/ingest", now_ms=START_MS + 1000 * seq)
        headers = {**message.attributes, "x-goog-pubsub-message-id": "1", "Authorization": "Bearer push"}
        stage.clock.advance(60)
        assert app.test_client().post("/push/segmenter", data=message.data, headers=headers).status_code == 204
    (final,) = [event for event in stage.announced() if event.final]
    assert final.accepted_ms == START_MS + 2_000, "the third chunk, of 4 to 6 s, has its end"


def test_what_no_event_told_of_has_no_such_time(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.upload(split(webm(talk(4, 3)), 4))
    stage.sweep.run()
    assert {event.accepted_ms for event in stage.announced()} == {None}
