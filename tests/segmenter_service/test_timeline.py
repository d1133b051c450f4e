import msgspec
from hypothesis import given
from hypothesis import strategies as st

from common.events import Activity, SpeakersObserved, Turn
from segmenter_service.segments import TURN_MARGIN_MS
from segmenter_service.timeline import LOOK_AHEAD_MS, SEAM_MS, SpeakerTimeline

OFFSET_MS = 1_700_000_000_000
DELAY_MS = 1_000


def observation(from_ms: int, to_ms: int, *spoken: tuple[str, int, int], clock: str = "epoch") -> SpeakersObserved:
    """An observation given in stream time; on the epoch clock it comes as late as the platform shows it."""
    shift = OFFSET_MS + DELAY_MS if clock == "epoch" else 0
    return SpeakersObserved(
        tenant="default",
        meeting_id="m",
        connection_id="c",
        observation_id="o",
        object_name="x",
        clock=clock,  # type: ignore[arg-type]  # a plain str that is one of the two
        covered_from_ms=from_ms + shift,
        covered_to_ms=to_ms + shift,
        activities=tuple(Activity(speaker, start + shift, end + shift) for speaker, start, end in spoken),
    )


def timeline(*observations: SpeakersObserved) -> SpeakerTimeline:
    made = SpeakerTimeline()
    made.synchronise(OFFSET_MS, DELAY_MS)
    for each in observations:
        made.add(each)
    return made


@st.composite
def observations(draw: st.DrawFn) -> SpeakersObserved:
    from_ms = draw(st.integers(0, 200)) * 50
    length_ms = draw(st.integers(0, 40)) * 50
    spoken = draw(
        st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 40), st.integers(0, 40)), max_size=3).map(
            lambda all_: [(s, from_ms + 50 * min(a, b), from_ms + 50 * max(a, b)) for s, a, b in all_]
        )
    )
    return observation(from_ms, from_ms + length_ms, *spoken, clock=draw(st.sampled_from(["epoch", "stream"])))


def asked(made: SpeakerTimeline, from_ms: int = 0) -> object:
    return [made.known_until(at) for at in range(from_ms, 12_000, 333)], made.turns_between(from_ms, 12_000)


@given(
    st.lists(observations(), max_size=8).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_ + all_)))
)
def test_order_and_repetition_change_nothing(both: tuple[list[SpeakersObserved], list[SpeakersObserved]]) -> None:
    once, shuffled_twice = both
    assert timeline(*once) == timeline(*shuffled_twice)


@given(st.lists(observations(), max_size=6), st.lists(observations(), max_size=6), st.integers(0, 8_000))
def test_pruning_changes_no_answer_about_later_times(
    before: list[SpeakersObserved], after: list[SpeakersObserved], horizon_ms: int
) -> None:
    pruned = timeline(*before)
    pruned.prune(horizon_ms)
    for each in after:
        pruned.add(each)
    assert asked(pruned, horizon_ms) == asked(timeline(*before, *after), horizon_ms)


@given(st.lists(observations(), max_size=6))
def test_it_survives_a_round_trip_and_a_late_clock(all_: list[SpeakersObserved]) -> None:
    early = SpeakerTimeline()
    for each in all_:
        early.add(each)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(early), type=SpeakerTimeline)
    again.synchronise(OFFSET_MS, DELAY_MS)
    assert again == timeline(*all_)


def test_windows_of_one_second_make_one_turn() -> None:
    made = timeline(
        observation(1_000, 2_000, ("A", 1_000, 2_000), ("B", 1_500, 2_000)),
        observation(0, 1_000, ("A", 300, 1_000)),
        observation(2_030, 3_000, ("A", 2_030, 2_400)),
    )
    assert made.turns_between(0, 10_000) == (Turn("A", 300, 2_400), Turn("B", 1_500, 2_000))
    assert made.turns_between(1_000, 1_600) == (Turn("A", 1_000, 1_600), Turn("B", 1_500, 1_600))
    assert made.known_until(0) == 3_000
    assert made.known_until(500) == 3_000


def test_a_hole_ends_what_is_known() -> None:
    made = timeline(observation(0, 1_000), observation(1_000 + SEAM_MS + 1, 3_000))
    assert made.known_until(0) == 1_000
    assert made.known_until(1_000) == 1_000
    assert made.known_until(1_001) == 3_000
    assert made.known_until(5_000) == 5_000


def test_without_a_clock_only_stream_time_speaks() -> None:
    made = SpeakerTimeline()
    made.add(observation(0, 1_000, ("A", 0, 1_000)))
    made.add(observation(0, 500, ("B", 0, 500), clock="stream"))
    assert made.turns_between(0, 2_000) == (Turn("B", 0, 500),)
    assert made.known_until(0) == 500


def test_an_hour_pruned_stays_small() -> None:
    made = timeline()
    sizes = []
    for second in range(3_600):
        at = second * 1_000
        made.add(observation(at, at + 1_000, ("A", at, at + 300), ("B", at + 500, at + 900)))
        made.prune(at - 60_000)
        sizes.append(len(msgspec.msgpack.encode(made)))
    assert max(sizes[1_800:]) <= max(sizes[:1_800]) < 4_096


def test_nobody_is_named_by_what_may_have_been_left_out() -> None:
    assert LOOK_AHEAD_MS >= TURN_MARGIN_MS
