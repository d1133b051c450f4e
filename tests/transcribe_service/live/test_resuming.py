"""Whatever happens to a meeting, wherever a reader's connection breaks, and whichever process it comes back to: it has it all."""

from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from common.events import StreamOptions
from common.ports.stream_registry import StreamSummary
from tests.transcribe_service.fakes import World
from tests.transcribe_service.live.page import Page, reading, should_be_shown, watched
from tests.transcribe_service.spoken import EPOCH_MS, segment, stream

CONNECTIONS = ("c1", "c2", "c3")
Happening = Callable[[World], None]


@st.composite
def stored_segment(draw: st.DrawFn) -> Happening:
    connection = draw(st.sampled_from(CONNECTIONS))
    start_ms = draw(st.integers(0, 6)) * 5_000
    length_ms = draw(st.integers(1, 4)) * 4_000
    # The offset belongs to the connection, but for clocks that turn out to be wrong.
    offset_ms = EPOCH_MS + 100 * CONNECTIONS.index(connection) - draw(st.sampled_from([0] * 59 + [7_000]))
    words = draw(
        st.lists(
            st.tuples(st.sampled_from(["so", "then", "we"]), st.sampled_from(["Ada", "Bo", None])),
            min_size=1,
            max_size=4,
        )
    )
    spoken = [
        (text, start_ms + 500 * number, start_ms + 500 * number + 400, who) for number, (text, who) in enumerate(words)
    ]
    made = segment(
        *spoken,
        connection=connection,
        start_ms=start_ms,
        end_ms=start_ms + length_ms,
        final=draw(st.booleans()),
        revision=draw(st.integers(0, 3)),
        offset_ms=offset_ms,
    )
    generation = draw(st.sampled_from([0, 0, 0, 1]))
    return lambda world: world.transcripts.put(msgspec.structs.replace(made, generation=generation)) and None


@st.composite
def deleted_segment(draw: st.DrawFn) -> Happening:
    segment_id = f"{draw(st.sampled_from(CONNECTIONS))}:0:{draw(st.integers(0, 6)) * 5_000}"
    return lambda world: world.transcripts.delete_segment("default", "m1", segment_id)


@st.composite
def renamed_speaker(draw: st.DrawFn) -> Happening:
    names = draw(st.sampled_from([{}, {"Ada": "Ada L."}, {"Ada": "A", "Bo": "B"}]))
    return lambda world: (
        world.meetings.change("default", "m1", lambda meeting: msgspec.structs.replace(meeting, speaker_names=names))
        and None
    )


@st.composite
def changed_stream(draw: st.DrawFn) -> Happening:
    connection = draw(st.sampled_from(CONNECTIONS))
    length_ms = draw(st.integers(1, 6)) * 10_000
    options = StreamOptions(user_id=draw(st.sampled_from(["", "u1"])))

    def happen(world: World) -> None:
        if world.streams.get("default", connection) is None:
            world.streams.open(msgspec.structs.replace(stream(connection), options=options))
            return
        summary = StreamSummary(
            closed_at_ms=EPOCH_MS,
            chunks=1,
            audio_ms=length_ms,
            segments=1,
            segment_ms=length_ms,
            silence_skipped_ms=0,
            epoch_offset_ms=EPOCH_MS,
        )
        world.streams.close("default", connection, summary)

    return happen


rare = {0: deleted_segment(), 1: renamed_speaker(), 2: changed_stream()}
happening = st.integers(0, 13).flatmap(lambda number: rare.get(number, stored_segment()))


@settings(max_examples=100, deadline=None)
@given(
    st.data(),
    st.lists(happening, max_size=8),
    st.lists(happening, min_size=2, max_size=12),
    st.lists(happening, min_size=1, max_size=6),
)
def test_who_comes_back_anywhere_ends_with_what_the_uninterrupted_have(
    data: st.DataObject, before: list[Happening], during: list[Happening], after: list[Happening]
) -> None:
    world = World()
    world.meetings.open("default", "m1", EPOCH_MS)
    for connection in CONNECTIONS[: data.draw(st.integers(0, 2), label="connections that stand in for one another")]:
        world.streams.open(stream(connection))
    for happen in before:
        happen(world)
    here = watched(world)
    uninterrupted, whole = Page(), reading(here)
    interrupted, broken = Page(), reading(here)
    breaks_at = data.draw(st.integers(0, len(during) - 1), label="the connection breaks after")
    for number, happen in enumerate(during):
        happen(world)
        if data.draw(st.booleans(), label="seen at once"):
            here.refresh()
            uninterrupted.read(whole)
        if number == breaks_at:
            here.refresh()
            interrupted.read(broken, data.draw(st.integers(0, 30), label="events before the break"))
    if data.draw(st.booleans(), label="comes back to another process that is there already"):
        elsewhere = watched(world)
        for happen in after:
            happen(world)
    else:
        for happen in after:
            happen(world)
        elsewhere = watched(world)
    here.refresh()
    back_here, back_elsewhere = interrupted, _copy(interrupted)
    back_here.read(reading(here, back_here.last_event_id))
    again = reading(elsewhere, back_elsewhere.last_event_id)
    back_elsewhere.read(again, data.draw(st.integers(0, 5), label="events before the second break"))
    elsewhere.refresh()
    again = reading(elsewhere, back_elsewhere.last_event_id)
    back_elsewhere.read(again)
    uninterrupted.read(whole)
    expected = should_be_shown(world)
    newcomer = Page()
    newcomer.read(reading(here))
    for page in (newcomer, uninterrupted, back_here, back_elsewhere):
        assert page.utterances == expected
        assert page.meeting == newcomer.meeting
    assert "removed" not in newcomer.names


def _copy(page: Page) -> Page:
    copied = Page()
    copied.__dict__.update(
        {name: value.copy() if hasattr(value, "copy") else value for name, value in vars(page).items()}
    )
    return copied


@settings(max_examples=60, deadline=None)
@given(st.lists(happening, min_size=4, max_size=20))
def test_ids_never_go_back_but_after_a_reset(happened: list[Happening]) -> None:
    world = World()
    world.meetings.open("default", "m1", EPOCH_MS)
    here = watched(world)
    page, reader = Page(), reading(here)
    page.read(reader)
    for happen in happened:
        happen(world)
        here.refresh()
        page.read(reader)
    positions = [event_id.partition("-")[0] for event_id in page.ids]
    resets = [number for number, name in enumerate(page.names) if name == "reset"]
    for first, last in zip([0, *resets], [*resets, len(positions)], strict=True):
        assert positions[first:last] == sorted(positions[first:last])
