from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from transcribe_service.connections.spans import Span, contains, covers, united, without

loose = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def moments(spans: list[Span] | tuple[Span, ...]) -> set[int]:
    return {moment for start, end in spans for moment in range(start, end)}


@given(loose, loose)
def test_spans_are_sets_of_moments(one: list[Span], other: list[Span]) -> None:
    joined = united(one, other)
    assert moments(joined) == moments(one) | moments(other)
    assert all(start < end for start, end in joined)
    assert all(end < start for (_, end), (start, _) in pairwise(joined))
    left = without(united(one), united(other))
    assert moments(left) == moments(one) - moments(other)
    assert left == united(left)


@given(loose, st.integers(0, 60), st.integers(1, 60))
def test_a_span_is_covered_where_all_its_moments_are(spans: list[Span], start: int, length: int) -> None:
    there = moments(spans)
    assert covers(united(spans), (start, start + length)) == (set(range(start, start + length)) <= there)
    assert covers(united(spans), (start, start)) == (start in there)
    assert contains(united(spans), start) == (start in there)
