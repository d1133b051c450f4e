"""What another connection covers is not transcribed; what that costs a meeting with one connection is one look-up now and then."""

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from common.errors import Retryable
from common.events import StreamOptions, TranscriptUpdated
from tests.transcribe_service.connections.two_connections import (
    captured,
    closed,
    final,
    live,
    opened,
    standing_by,
    stored,
)
from tests.transcribe_service.fakes import DOWN, World, worker_in
from transcribe_service.connections.other_connections import KEPT_S


def two(world: World) -> None:
    opened(world, "c1")
    opened(world, "c2")


def test_what_the_primary_covers_is_stored_without_words_and_announced_to_nobody(world: World) -> None:
    two(world)
    final(world, "c1", 0, 12_000)
    second = final(world, "c2", 2_000, 11_000)
    worker_in(world).handle(second)
    found = stored(world, second)
    assert found is not None
    assert (found.standby, found.final, found.words, found.whole_from_ms) == (True, True, (), 0)
    assert (world.whisper.asked, world.publisher.published, standing_by(world)) == ([], [], [])


def test_before_the_primarys_own_segment_is_cut_it_is_waited_for(world: World) -> None:
    two(world)
    captured(world, "c1", 0, 9_000)
    second = final(world, "c2", 2_000, 11_000)
    worker_in(world).handle(second)
    assert len(standing_by(world)) == 1
    assert world.whisper.asked == []
    worker_in(world).handle(second)  # it came twice
    assert (len(standing_by(world)), world.whisper.asked) == (1, [])


def test_the_primary_itself_is_transcribed(world: World) -> None:
    two(world)
    captured(world, "c2", 0, 9_000)
    final(world, "c2", 0, 12_000)
    first = final(world, "c1", 2_000, 11_000)
    worker_in(world).handle(first)
    found = stored(world, first)
    assert found is not None
    assert [word.text for word in found.words] == ["hello", "world"]


@pytest.mark.parametrize("captured_at", [-20_000, None])
def test_one_that_stalled_or_never_began_is_not_waited_for(world: World, captured_at: int | None) -> None:
    two(world)
    if captured_at is not None:
        captured(world, "c1", 0, captured_at)
    worker_in(world).handle(final(world, "c2", 2_000, 11_000))
    assert len(world.whisper.asked) == 1


@pytest.mark.parametrize(("gaps", "asked"), [([], 0), ([(5_000, 6_000)], 1)])
def test_a_closed_primary_covers_what_its_account_says(world: World, gaps: list[tuple[int, int]], asked: int) -> None:
    two(world)
    closed(world, "c1", 0, 11_000, gaps)
    worker_in(world).handle(final(world, "c2", 2_000, 11_000))
    assert (len(world.whisper.asked), standing_by(world)) == (asked, [])


def test_a_hole_in_the_segments_of_an_open_primary_is_silence_or_a_gap(world: World) -> None:
    two(world)
    final(world, "c1", 0, 3_000)
    silence = final(world, "c1", 20_000, 24_000, whole_from=0)
    worker_in(world).handle(final(world, "c2", 2_000, 11_000))
    assert world.whisper.asked == []
    world.blobs.delete(silence.object_name)
    final(world, "c1", 20_000, 24_000, whole_from=12_000)
    worker_in(world).handle(final(world, "c2", 11_000, 13_000))
    worker_in(world).handle(final(world, "c2", 13_000, 19_000))
    assert len(world.whisper.asked) == 1


def test_live_revisions_of_what_is_covered_are_dropped(world: World) -> None:
    two(world)
    captured(world, "c1", 0, 9_000)
    second = final(world, "c2", 2_000, 11_000)
    worker_in(world).handle(live(second))
    assert (world.whisper.asked, world.transcripts.stored, standing_by(world)) == ([], {}, [])


def test_a_participants_segment_is_transcribed_whatever_others_hear(world: World) -> None:
    own = StreamOptions(connections="per_participant", participant="Cai")
    opened(world, "c1", options=own)
    opened(world, "c2", options=own)
    final(world, "c1", 0, 12_000, options=own)
    second = final(world, "c2", 2_000, 11_000, options=own)
    worker_in(world).handle(second)
    found = stored(world, second)
    assert found is not None
    assert {word.speaker for word in found.words} == {"Cai"}


def test_words_beat_a_place_and_a_place_takes_nothing_away(world: World) -> None:
    two(world)
    captured(world, "c1", 0, 9_000)
    second = final(world, "c2", 2_000, 11_000)
    worker = worker_in(world)
    worker.handle(second)
    worker.handle(msgspec.structs.replace(second, take_over=True))
    worker.handle(second)
    found = stored(world, second)
    assert found is not None
    assert (found.standby, len(found.words), len(world.whisper.asked)) == (False, 2, 1)
    assert {type(each) for each in world.publisher.published} == {TranscriptUpdated}


def test_where_the_place_can_not_be_noted_nothing_is_stored_and_the_event_comes_back(world: World) -> None:
    two(world)
    captured(world, "c1", 0, 9_000)
    second = final(world, "c2", 2_000, 11_000)
    worker = worker_in(world)
    world.blobs.faults.before.append(DOWN)
    with pytest.raises(Retryable):
        worker.handle(second)
    assert world.transcripts.stored == {}
    world.transcripts.faults.before.append(DOWN)
    with pytest.raises(Retryable):
        worker.handle(second)
    assert len(standing_by(world)) == 1, "the note is there before the place"


@pytest.fixture
def calls(world: World, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often registry and bucket are asked for anything."""
    counted: Counter[str] = Counter()

    def counting(port: object, name: str) -> None:
        called: Callable[..., object] = getattr(port, name)

        def call(*arguments: object, **options: object) -> object:
            counted[name] += 1
            return called(*arguments, **options)

        monkeypatch.setattr(port, name, call)

    for name in ("of_meeting", "get"):
        counting(world.streams, name)
    for name in ("list", "info", "read", "create"):
        counting(world.blobs, name)
    return counted


def test_a_meeting_with_one_connection_costs_one_look_up_every_few_seconds(world: World, calls: Counter[str]) -> None:
    opened(world, "c1")
    worker = worker_in(world)
    events = [final(world, "c1", 10_000 * number, 10_000 * number + 9_000) for number in range(20)]
    calls.clear()
    for event in events:
        worker.standby.standing(event)
    assert calls == Counter(of_meeting=1)
    world.clock.advance(KEPT_S)
    worker.standby.standing(events[0])
    assert calls == Counter(of_meeting=2)


def test_the_bucket_is_listed_from_where_it_was_listed_last(world: World, calls: Counter[str]) -> None:
    two(world)
    for number in range(50):
        captured(world, "c1", number, 3_000 * number)
        final(world, "c1", 3_000 * number, 3_000 * number + 3_000)
    worker = worker_in(world)
    second = final(world, "c2", 2_000, 11_000)
    calls.clear()
    for _ in range(9):
        worker.standby.standing(second)
    assert calls == Counter(of_meeting=1, list=2)
    listed: list[str] = []
    whole = world.blobs.list

    def listing(prefix: str, *, start_after: str = "") -> object:
        listed.append(start_after.rpartition("/")[2])
        return whole(prefix, start_after=start_after)

    world.clock.advance(KEPT_S)
    world.blobs.list = listing  # type: ignore[method-assign,assignment]
    worker.standby.standing(second)
    assert listed == ["00000049", "0000147000.flac"]
