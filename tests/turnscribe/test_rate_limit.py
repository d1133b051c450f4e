import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnscribe.rate_limit import RateLimit, bytes_per_second


class Time:
    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def monotonic_s(self) -> float:
        return self.now_s


@given(st.floats(1, 1e9), st.lists(st.tuples(st.integers(1, 10**6), st.floats(0, 100)), min_size=1, max_size=50))
def test_no_more_than_the_rate_passes_and_idle_time_saves_up_nothing(
    rate: float, takes: list[tuple[int, float]]
) -> None:
    time = Time()
    limit = RateLimit(rate, time.sleep, time.monotonic_s)
    began_s, passed, last = time.now_s, 0, 0
    for size_bytes, idle_s in takes:
        if idle_s > 50:  # a pause: from here on it is a new burst
            time.sleep(idle_s + last / rate)
            began_s, passed = time.now_s, 0
        limit.take(size_bytes)
        assert passed <= (time.now_s - began_s) * rate * (1 + 1e-6) + 1e-3
        passed += size_bytes
        last = size_bytes


@pytest.mark.parametrize(
    ("text", "rate"), [("1", 1), ("500k", 512_000), ("2M", 2 * 1024**2), ("1.5m", 1.5 * 1024**2), (" 1G ", 1024**3)]
)
def test_rates_are_written_as_for_curl(text: str, rate: float) -> None:
    assert bytes_per_second(text) == rate


@pytest.mark.parametrize("text", ["", "k", "0", "-1", "fast", "1kb", "0.5", "1e3", "inf"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        bytes_per_second(text)


@given(st.floats(1, 1e12))
def test_what_is_taken_at_once_keeps_the_rate_smooth(rate: float) -> None:
    block_bytes = RateLimit(rate).block_bytes
    assert 1 <= block_bytes <= 64 * 1024
    assert block_bytes <= max(1, rate / 10 + 1)
