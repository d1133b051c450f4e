import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_service.connections.spans import covers, united
from transcribe_service.connections.standing import Before, Standing, standing

SEGMENT = (10_000, 20_000)
PATIENCE_MS = 30_000


def stands(*before: Before) -> Standing:
    return standing(SEGMENT, before, patience_ms=PATIENCE_MS)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (Before(((0, 20_000),)), Standing.COVERED),
        (Before(((0, 19_999),)), Standing.NEEDED),
        (Before(((0, 12_000), (15_000, 30_000))), Standing.NEEDED),
        (Before(), Standing.NEEDED),
        (Before(is_open=True), Standing.NEEDED),
        (Before(is_open=True, captured_ms=9_000), Standing.EXPECTED),
        (Before(((0, 12_000),), is_open=True, captured_ms=18_000), Standing.EXPECTED),
        (Before(((0, 21_000),), is_open=True, captured_ms=18_000), Standing.COVERED),
        (Before(((0, 12_000), (15_000, 18_000)), is_open=True, captured_ms=18_000), Standing.NEEDED),
    ],
)
def test_a_segment_is_needed_unless_its_time_is_covered_or_will_be(before: Before, expected: Standing) -> None:
    assert stands(before) is expected


@pytest.mark.parametrize(
    ("behind_ms", "expected"), [(PATIENCE_MS, Standing.EXPECTED), (PATIENCE_MS + 1, Standing.NEEDED)]
)
def test_one_that_stalled_is_not_waited_for(behind_ms: int, expected: Standing) -> None:
    late = Before(((-90_000, -80_000),), is_open=True, captured_ms=SEGMENT[1] - behind_ms)
    assert stands(late) is expected


def test_several_cover_together() -> None:
    assert stands(Before(((0, 15_000),)), Before(((15_000, 20_000),))) is Standing.COVERED
    assert stands(Before(((0, 15_000),)), Before(((0, 14_000),), is_open=True, captured_ms=20_000)) is Standing.EXPECTED


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4).map(united)
befores = st.lists(st.builds(Before, spans, is_open=st.booleans(), captured_ms=st.integers(0, 60)), max_size=4)


@given(befores, st.integers(0, 30), st.integers(1, 10))
def test_what_is_certain_is_covered_in_any_order_and_patience_never_makes_it_needed(
    before: list[Before], start: int, length: int
) -> None:
    span = (start, start + length)
    found = standing(span, before, patience_ms=5)
    assert (found is Standing.COVERED) == covers(united(*(each.covered for each in before)), span)
    assert standing(span, before[::-1], patience_ms=5) is found
    if found is not Standing.NEEDED:
        assert standing(span, before, patience_ms=50) is found
