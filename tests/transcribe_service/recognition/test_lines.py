"""What the log says of recognised and stored segments, which metrics are made of."""

from typing import Any

import msgspec
import pytest
from flask import Flask
from structlog.testing import capture_logs

from common.events import SegmentReady, StreamOptions, to_message
from common.push import SharedTokenAuth, push_blueprint
from common.settings import Secret
from common.web import base_app
from tests.transcribe_service.fakes import PUSH_TOKEN, World, heard, segment_ready, worker_in
from transcribe_service.recognition.worker import LIVE_MS


@pytest.fixture
def world() -> World:
    return World()


def pushed(world: World, event: SegmentReady, *, waits_s: float = 0) -> list[Any]:
    """The lines of a push of `event`, announced now on the world's clock and delivered `waits_s` later."""
    world.blobs.create(event.object_name, b"fLaC")
    message = to_message(event, source="/turnscribe/segmenter", now_ms=world.clock.now_ms())
    world.clock.advance(waits_s)
    app: Flask = base_app("transcribe", {}, world.drain)
    auth = SharedTokenAuth(Secret(PUSH_TOKEN))
    app.register_blueprint(push_blueprint({SegmentReady: worker_in(world).handle}, lambda _body, _error: None, auth))
    headers = {**message.attributes, "x-goog-pubsub-message-id": "1", "Authorization": f"Bearer {PUSH_TOKEN}"}
    with capture_logs() as lines:
        assert app.test_client().post("/push/transcribe", data=message.data, headers=headers).status_code == 204
    return lines


def spoken(world: World, event: SegmentReady, *, ago_ms: int) -> SegmentReady:
    """`event`, whose audio ended so long ago."""
    return msgspec.structs.replace(event, epoch_offset_ms=world.clock.now_ms() - ago_ms - event.end_ms)


def one(lines: list[Any], event: str) -> Any:
    (line,) = [line for line in lines if line["event"] == event]
    return line


def test_a_stored_transcript_says_how_long_ago_its_segment_was_announced(world: World) -> None:
    line = one(pushed(world, spoken(world, segment_ready(), ago_ms=4_000), waits_s=7), "transcript_stored")
    assert line["since_announced_ms"] == 7_000
    assert (line["final"], line["live"], line["words"]) == (True, True, 2)


def test_a_segment_that_is_stored_already_says_nothing_more(world: World) -> None:
    event = segment_ready()
    pushed(world, event)
    assert [line for line in pushed(world, event) if line["event"] == "transcript_stored"] == []


@pytest.mark.parametrize(
    ("changes", "ago_ms", "live"),
    [
        ({}, LIVE_MS - 1, True),
        ({}, LIVE_MS, False),
        ({"take": "t2"}, 0, False),
        ({"options": StreamOptions(untimed=True)}, 0, False),
    ],
)
def test_what_is_not_live_is_told_apart(world: World, changes: dict[str, Any], ago_ms: int, live: bool) -> None:
    event = msgspec.structs.replace(spoken(world, segment_ready(), ago_ms=ago_ms), **changes)
    assert one(pushed(world, event), "transcript_stored")["live"] is live


def test_outside_a_push_nobody_knows_how_long_it_took(world: World) -> None:
    event = segment_ready()
    world.blobs.create(event.object_name, b"fLaC")
    with capture_logs() as lines:
        worker_in(world).handle(event)
    line = one(lines, "transcript_stored")
    assert (line["since_announced_ms"], line["live"]) == (None, False)


def test_a_recognised_segment_says_what_was_sent_and_how_long_it_took(world: World) -> None:
    line = one(pushed(world, segment_ready()), "segment_recognised")
    assert (line["audio_ms"], line["sent_ms"]) == (10_000, 10_400)
    assert line["waited_ms"] + line["whisper_ms"] == line["took_ms"] == 0, "the clock stood still"


def test_dropped_words_are_counted_together_and_by_reason(world: World) -> None:
    world.whisper.result = heard(*(("again", 0.3 * n, 0.3 * n + 0.2) for n in range(30)))
    line = one(pushed(world, segment_ready()), "words_dropped")
    reasons = {
        key: n for key, n in line.items() if key not in {"event", "log_level", "segment_id", "revision", "words"}
    }
    assert reasons
    assert line["words"] == sum(reasons.values()) > 0


def test_a_stored_transcript_says_how_far_behind_its_audio_it_is(world: World) -> None:
    event = msgspec.structs.replace(segment_ready(), accepted_ms=world.clock.now_ms() - 6_000)
    assert one(pushed(world, event, waits_s=2), "transcript_stored")["behind_ms"] == 8_000
    unknown = segment_ready(start_ms=20_000, end_ms=30_000)
    assert one(pushed(world, unknown), "transcript_stored")["behind_ms"] is None
