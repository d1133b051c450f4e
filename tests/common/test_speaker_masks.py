import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Permanent
from common.events import Activity
from common.speaker_masks import activities_of_masks

MASK = st.text("01", min_size=1, max_size=40)


def test_the_bits_of_the_design() -> None:
    covered = activities_of_masks(1_700_000_001_000, 100, [("Ann", "0110001111"), (" Bob ", "0000000000")])
    assert covered == (
        1_700_000_000_000,
        1_700_000_001_000,
        (
            Activity("Ann", 1_700_000_000_100, 1_700_000_000_300),
            Activity("Ann", 1_700_000_000_600, 1_700_000_001_000),
        ),
    )


def test_masks_of_different_length_end_together() -> None:
    assert activities_of_masks(1000, 100, [("a", "1"), ("b", "10000")]) == (
        500,
        1000,
        (Activity("a", 900, 1000), Activity("b", 500, 600)),
    )


def test_nobody_covers_nothing() -> None:
    assert activities_of_masks(1000, 100, []) == (1000, 1000, ())


@given(MASK, st.integers(1, 250), st.integers(100_000, 10**13))
def test_every_bit_is_said_once(mask: str, bit_ms: int, ts_ms: int) -> None:
    covered_from_ms, covered_to_ms, activities = activities_of_masks(ts_ms, bit_ms, [("a", mask)])
    assert (covered_from_ms, covered_to_ms) == (ts_ms - len(mask) * bit_ms, ts_ms)
    for k, bit in enumerate(mask):
        middle_ms = ts_ms - (len(mask) - k - 0.5) * bit_ms
        assert sum(a.start_ms < middle_ms < a.end_ms for a in activities) == int(bit)


@pytest.mark.parametrize(
    ("ts_ms", "bit_ms", "masks", "problem"),
    [
        (1000, 100, [("a", "0120")], "mask 0 has characters other than 0 and 1"),
        (1000, 100, [("a", "01"), ("b", "")], "mask 1 is empty"),
        (10**9, 100, [("a", "0" * 601)], "mask 0 has 601 bits"),
        (1000, 100, [("  ", "01")], "name 0 is empty"),
        (1000, 100, [("x" * 201, "01")], "name 0 has 201 characters"),
        (1000, 100, [("a", "01"), ("a ", "01")], "named twice"),
        (1000, 100, [(str(n), "01") for n in range(101)], "101 speakers"),
        (1000, 0, [("a", "01")], "bit_ms is 0"),
        (100, 100, [("a", "01")], "before the clock"),
    ],
)
def test_what_is_wrong_is_named(ts_ms: int, bit_ms: int, masks: list[tuple[str, str]], problem: str) -> None:
    with pytest.raises(Permanent, match=problem) as caught:
        activities_of_masks(ts_ms, bit_ms, masks)
    assert caught.value.reason == ("too_many_speakers" if problem == "101 speakers" else "invalid_speaker_mask")
