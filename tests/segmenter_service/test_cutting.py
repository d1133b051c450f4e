from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.events import Turn
from segmenter_service.cutting import UNLIMITED_MS, Cut, CutPolicy, Decision, Skip, Span, Wait, decide, speaker_changes

FRAME_MS = 32
POLICY = CutPolicy(segment_size_ms=3_000, max_segment_ms=8_000)
"""Small, so that properties see every rule."""


def frames(*parts: tuple[int, float]) -> bytes:
    """Activity of `(milliseconds, probability)` after each other."""
    return b"".join(bytes([round(probability * 255)]) * (ms // FRAME_MS) for ms, probability in parts)


def run(
    activity: bytes, turns: Sequence[Turn] = (), policy: CutPolicy = POLICY, *, step: int | None = None, lag_ms: int = 0
) -> list[Cut | Skip]:
    """All decisions over a whole stream that arrives in steps of `step` frames; who spoke is known `lag_ms` later."""
    taken: list[Cut | Skip] = []
    start = 0
    arrived = 0
    step = step or len(activity)
    while True:
        arrived = min(arrived + step, len(activity))
        ended = arrived == len(activity)
        known_ms = UNLIMITED_MS if ended else arrived * FRAME_MS - lag_ms
        known = tuple(
            Turn(turn.speaker, turn.start_ms, min(turn.end_ms, known_ms)) for turn in turns if turn.start_ms < known_ms
        )
        while not isinstance(
            decision := decide(Span(start, activity[start:arrived]), known, known_ms, policy, ended=ended), Wait
        ):
            taken.append(decision)
            start = end_of(decision)
        if ended:
            return taken


def end_of(decision: Decision) -> int:
    match decision:
        case Cut(end_frame=end):
            return end
        case Skip(to_frame=end):
            return end
        case Wait():
            raise AssertionError("a wait ends nowhere")


def cuts_and_skipped(decisions: Sequence[Cut | Skip]) -> tuple[list[tuple[int, int, str]], set[int]]:
    cuts, skipped, start = [], set(), 0
    for decision in decisions:
        if isinstance(decision, Cut):
            cuts.append((start, decision.end_frame, decision.reason))
        else:
            skipped |= set(range(start, decision.to_frame))
        start = end_of(decision)
    return cuts, skipped


STRETCHES = st.lists(
    st.tuples(st.integers(1, 120), st.sampled_from([0, 0, 10, 100, 120, 255, 255, 240])), min_size=1, max_size=25
)
ACTIVITY = STRETCHES.map(lambda stretches: b"".join(bytes([value]) * count for count, value in stretches))
TURNS = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 40_000), st.integers(1, 6_000)), max_size=8).map(
    lambda turns: tuple(Turn(s, at, at + ms) for s, at, ms in sorted(turns, key=lambda turn: turn[1]))
)


@given(ACTIVITY, TURNS)
def test_cuts_and_skips_tile_the_stream_and_no_speech_is_skipped(activity: bytes, turns: tuple[Turn, ...]) -> None:
    decisions = run(activity, turns)
    ends = [end_of(decision) for decision in decisions]
    assert ends == sorted(set(ends))
    assert ends[-1] == len(activity)
    cuts, skipped = cuts_and_skipped(decisions)
    assert all(activity[frame] < 0.5 * 255 for frame in skipped)
    for start, end, _ in cuts:
        assert (end - start) * FRAME_MS <= POLICY.max_segment_ms
        assert max(activity[start:end]) >= 0.5 * 255


@given(ACTIVITY, TURNS, st.integers(1, 70), st.integers(0, 3_000))
@settings(max_examples=200)
def test_how_audio_and_speakers_arrive_changes_no_cut(
    activity: bytes, turns: tuple[Turn, ...], step: int, lag_ms: int
) -> None:
    assert cuts_and_skipped(run(activity, turns, step=step, lag_ms=lag_ms)) == cuts_and_skipped(run(activity, turns))


@given(ACTIVITY, TURNS, st.integers(0, 20_000))
def test_a_wait_for_speakers_is_over_when_they_are_known(
    activity: bytes, turns: tuple[Turn, ...], known_until_ms: int
) -> None:
    span = Span(0, activity)
    decision = decide(span, turns, known_until_ms, POLICY, ended=True)
    if isinstance(decision, Wait):
        assert decision.speakers_until_ms is not None
        assert known_until_ms < decision.speakers_until_ms <= len(activity) * FRAME_MS
        assert isinstance(decide(span, turns, decision.speakers_until_ms, POLICY, ended=True), Cut)


def test_silence_is_skipped_but_not_what_comes_right_before_the_first_word() -> None:
    decisions = run(frames((5_000, 0.0), (2_000, 1.0)))
    assert isinstance(decisions[0], Skip)
    kept_ms = 5_000 // FRAME_MS * FRAME_MS - decisions[0].to_frame * FRAME_MS
    assert 300 <= kept_ms < 900
    assert isinstance(decisions[1], Cut)


def test_nothing_but_silence_is_no_segment() -> None:
    assert run(frames((30_000, 0.1))) == [Skip(937)]


def test_silence_that_goes_on_is_skipped_at_once() -> None:
    assert isinstance(decide(Span(0, frames((3_000, 0.0))), (), 0, POLICY, ended=False), Skip)


def test_a_long_pause_ends_a_segment_soon_after_the_speech() -> None:
    decision = decide(Span(0, frames((1_600, 1.0), (2_048, 0.0))), (), UNLIMITED_MS, CutPolicy(), ended=False)
    assert decision == Cut((1_600 + 320) // FRAME_MS, "pause")


def test_the_size_rule_takes_the_longest_pause_near_the_aimed_size() -> None:
    activity = frames((4_000, 1.0), (900, 0.0), (3_200, 1.0), (256, 0.0), (2_400, 1.0), (640, 0.0), (8_000, 1.0))
    cut = decide(Span(100, activity), (), UNLIMITED_MS, CutPolicy(), ended=False)
    assert isinstance(cut, Cut)
    assert cut.reason == "size"
    assert abs((cut.end_frame - 100) * FRAME_MS - (4_000 + 900 + 3_200 + 256 + 2_400 + 320)) < 100


def test_without_a_pause_in_reach_the_next_one_ends_the_segment() -> None:
    activity = frames((18_000, 1.0), (256, 0.0), (3_000, 1.0))
    cut = decide(Span(0, activity), (), UNLIMITED_MS, CutPolicy(), ended=False)
    assert cut == Cut((18_000 // FRAME_MS) + 4, "size")


def test_at_the_cap_any_earlier_pause_is_better_than_a_word() -> None:
    activity = frames((1_600, 1.0), (256, 0.0), (60_000, 1.0))
    assert decide(Span(0, activity), (), UNLIMITED_MS, CutPolicy(), ended=False) == Cut(1_600 // FRAME_MS + 4, "cap")
    without = bytearray(frames((60_000, 1.0)))
    without[1_850] = 150
    assert decide(Span(0, bytes(without)), (), UNLIMITED_MS, CutPolicy(), ended=False) == Cut(1_850, "cap")


def test_a_change_of_speaker_cuts_at_the_pause_beside_it() -> None:
    activity = frames((3_200, 1.0), (320, 0.0), (4_000, 1.0))
    turns = (Turn("A", 0, 3_300), Turn("B", 4_100, 9_000))
    assert decide(Span(0, activity), turns, UNLIMITED_MS, CutPolicy(), ended=False) == Cut(105, "speaker")


def test_a_cut_waits_for_who_spoke_and_for_no_more() -> None:
    activity = frames((3_200, 1.0), (320, 0.0), (4_000, 1.0))
    turns = (Turn("A", 0, 3_300), Turn("B", 3_500, 9_000))
    waiting = decide(Span(0, activity), turns, 3_000, CutPolicy(), ended=False)
    assert isinstance(waiting, Wait)
    assert waiting.speakers_until_ms is not None
    assert 4_600 <= waiting.speakers_until_ms <= 4_700
    assert decide(Span(0, activity), turns, waiting.speakers_until_ms, CutPolicy(), ended=False) == Cut(105, "speaker")
    assert decide(Span(0, activity[:100]), turns, 3_000, CutPolicy(), ended=False) == Wait()


@pytest.mark.parametrize(
    ("turns", "changes"),
    [
        ([Turn("A", 0, 5_000), Turn("B", 5_200, 9_000)], [5_200]),
        ([Turn("A", 0, 5_000), Turn("A", 5_400, 9_000)], []),
        ([Turn("A", 0, 5_000), Turn("B", 5_200, 5_600), Turn("A", 5_700, 9_000)], []),
        ([Turn("A", 0, 9_000), Turn("B", 4_000, 5_000), Turn("A", 9_400, 12_000)], [4_000]),
        ([Turn("A", 0, 9_000), Turn("B", 4_000, 5_000), Turn("B", 7_000, 8_000)], [4_000, 7_000]),
        ([Turn("A", 0, 5_000), Turn("B", 4_500, 9_000), Turn("C", 9_500, 12_000)], [4_500, 9_500]),
        ([], []),
    ],
    ids=["change", "pause", "blip", "interjection", "two interjections", "overlap", "nobody"],
)
def test_changes_of_speaker(turns: list[Turn], changes: list[int]) -> None:
    assert list(speaker_changes(turns, 500)) == changes


def test_an_empty_span_waits_for_audio() -> None:
    assert decide(Span(7, b""), (), 0, POLICY, ended=False) == Wait()
    assert decide(Span(7, b""), (), 0, POLICY, ended=True) == Wait()
