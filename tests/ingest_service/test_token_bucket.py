"""The token bucket, against what it promises over any time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.http.token_bucket import TokenBucket

RATES = st.floats(0.01, 10_000)
PAUSES = st.lists(st.floats(0, 5), max_size=60)


@given(RATES, st.floats(1, 1000), PAUSES)
def test_in_no_span_of_time_is_more_let_through_than_the_burst_and_what_flows_in(
    rate: float, burst: float, pauses: list[float]
) -> None:
    bucket, full_at_s, now_s = TokenBucket(rate, burst), 0.0, 0.0
    taken_at: list[float] = []
    for pause_s in pauses:
        now_s += pause_s
        full_at_s, wait_s = bucket.taken(full_at_s, now_s)
        if wait_s == 0:
            taken_at.append(now_s)
    for first, from_s in enumerate(taken_at):
        for last, to_s in enumerate(taken_at[first:], first):
            assert last - first + 1 <= burst + rate * (to_s - from_s + 1e-5) + 1e-6


@given(RATES, st.floats(1, 1000), PAUSES)
def test_after_the_wait_there_is_a_token_and_asking_in_vain_costs_none(
    rate: float, burst: float, pauses: list[float]
) -> None:
    bucket, full_at_s, now_s = TokenBucket(rate, burst), 0.0, 0.0
    for pause_s in pauses:
        now_s += pause_s
        before_s = full_at_s
        full_at_s, wait_s = bucket.taken(full_at_s, now_s)
        assert wait_s >= 0
        if wait_s > 0:
            assert full_at_s == before_s
            assert wait_s <= 1 / rate + 1e-6
            assert bucket.taken(full_at_s, now_s + wait_s)[1] == 0


@given(RATES, st.integers(1, 1000), st.floats(0, 1e6))
def test_a_full_bucket_gives_its_burst_at_once_and_then_one_token_after_the_other(
    rate: float, burst: int, now_s: float
) -> None:
    bucket, full_at_s = TokenBucket(rate, burst), 0.0
    for _ in range(burst):
        full_at_s, wait_s = bucket.taken(full_at_s, now_s)
        assert wait_s == 0
    if 1 / rate > 1e-3:  # else the next one is there within what is let pass for rounding
        _, wait_s = bucket.taken(full_at_s, now_s)
        assert wait_s == pytest.approx(1 / rate, rel=1e-3)
