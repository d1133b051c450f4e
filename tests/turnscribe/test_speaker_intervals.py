import json

from hypothesis import given
from hypothesis import strategies as st

from turnscribe.speaker_intervals import MAX_INTERVALS, WINDOW_MS, Interval, observations

INTERVALS = st.builds(
    lambda speaker, start_ms, length_ms: Interval(speaker, start_ms, start_ms + length_ms),
    st.sampled_from("ABC"),
    st.integers(0, 4 * WINDOW_MS),
    st.integers(1, 2 * WINDOW_MS),
)


def spoken(intervals: list[tuple[str, int, int]]) -> dict[str, list[tuple[int, int]]]:
    """Each speaker's time, as spans that do not touch."""
    merged: dict[str, list[tuple[int, int]]] = {}
    for speaker, start_ms, end_ms in sorted(intervals):
        spans = merged.setdefault(speaker, [])
        if spans and start_ms <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end_ms))
        else:
            spans.append((start_ms, end_ms))
    return merged


@given(st.lists(INTERVALS, max_size=20))
def test_windows_follow_one_another_and_say_the_same(intervals: list[Interval]) -> None:
    told = [json.loads(each) for each in observations(intervals)]
    edges = [edge for each in told for edge in (each["covered_from_ms"], each["covered_to_ms"])]
    assert edges[1:-1:2] == edges[2::2]
    assert edges[:1] + edges[-1:] == ([0, max(each.end_ms for each in intervals)] if intervals else [])
    inside = [(each["speaker"], each["start_ms"], each["end_ms"]) for window in told for each in window["intervals"]]
    assert spoken(inside) == spoken([(each.speaker, each.start_ms, each.end_ms) for each in intervals])
    for window in told:
        for each in window["intervals"]:
            assert window["covered_from_ms"] <= each["start_ms"] < each["end_ms"] <= window["covered_to_ms"]
    assert observations(intervals[::-1] + intervals[:1]) == observations(intervals)


def test_a_window_with_too_much_in_it_is_halved() -> None:
    crowded = [Interval("A", at, at + 10) for at in range(0, 60_000, 20)]
    told = [json.loads(each) for each in observations(crowded)]
    assert len(crowded) > MAX_INTERVALS
    assert max(len(each["intervals"]) for each in told) <= MAX_INTERVALS
    assert max(map(len, observations(crowded))) < 256 * 1024
    assert sum(len(each["intervals"]) for each in told) == len(crowded)
