"""While final text comes late, none of Whisper's time goes to live text."""

from collections.abc import Callable

import msgspec
import pytest

from common.events import SegmentReady, StreamOptions
from tests.transcribe_service.fakes import World, segment_ready, worker_in
from transcribe_service.recognition.late_finals import REMEMBERED_S, LateFinals

Published = Callable[[float], None]
LIVE = segment_ready(revision=2, final=False)


@pytest.fixture
def published_ago(world: World, monkeypatch: pytest.MonkeyPatch) -> Published:
    """Say how many seconds ago the events that come next were published."""
    ago_s = [0.0]
    monkeypatch.setattr(
        "transcribe_service.recognition.worker.event_time_ms", lambda: round(world.clock.now_ms() - ago_s[0] * 1000)
    )
    return lambda seconds: ago_s.__setitem__(0, seconds)


def spoken_now(world: World, event: SegmentReady, number: int) -> SegmentReady:
    """`event`, of another segment, whose last word was just said."""
    start_ms = event.start_ms + number * 20_000
    length_ms = event.end_ms - event.start_ms
    changed = msgspec.structs.replace(
        event,
        segment_id=f"{event.connection_id}:0:{start_ms}",
        start_ms=start_ms,
        end_ms=start_ms + length_ms,
        object_name=f"{event.object_name}-{number}",
        epoch_offset_ms=world.clock.now_ms() - start_ms - length_ms,
    )
    world.blobs.create(changed.object_name, b"fLaC")
    return changed


def test_while_finals_wait_too_long_live_text_is_given_up(world: World, published_ago: Published) -> None:
    worker = worker_in(world)
    published_ago(16.0)
    worker.handle(spoken_now(world, segment_ready(), 0))
    published_ago(0.1)
    worker.handle(spoken_now(world, LIVE, 1))
    assert len(world.whisper.asked) == 1
    world.clock.sleep(REMEMBERED_S)
    worker.handle(spoken_now(world, LIVE, 2))
    assert len(world.whisper.asked) == 2, "the backlog is gone"


def test_what_waited_before_it_was_announced_is_late_too(world: World, published_ago: Published) -> None:
    worker = worker_in(world)
    published_ago(0.1)
    behind = msgspec.structs.replace(LIVE, accepted_ms=world.clock.now_ms() - 16_000)
    worker.handle(spoken_now(world, behind, 0))
    assert world.whisper.asked == [], "old itself"
    worker.handle(spoken_now(world, msgspec.structs.replace(behind, final=True), 1))
    worker.handle(spoken_now(world, LIVE, 2))
    assert len(world.whisper.asked) == 1, "the final one alone"


def test_finals_in_time_leave_live_text_alone(world: World, published_ago: Published) -> None:
    worker = worker_in(world)
    published_ago(14.0)
    worker.handle(spoken_now(world, segment_ready(), 0))
    worker.handle(spoken_now(world, LIVE, 1))
    assert len(world.whisper.asked) == 2


def test_recordings_may_wait_while_others_speak(world: World, published_ago: Published) -> None:
    worker = worker_in(world)
    published_ago(1_000.0)
    recorded = msgspec.structs.replace(segment_ready(), options=StreamOptions(untimed=True))
    worker.handle(spoken_now(world, recorded, 0))
    published_ago(0.1)
    worker.handle(spoken_now(world, LIVE, 1))
    assert len(world.whisper.asked) == 2


def test_an_earlier_late_one_shortens_nothing() -> None:
    late = LateFinals()
    assert not late.are_there(0.0)
    late.came_late(5.0)
    late.came_late(1.0)
    assert late.are_there(5.0 + REMEMBERED_S - 0.1)
    assert not late.are_there(5.0 + REMEMBERED_S)
