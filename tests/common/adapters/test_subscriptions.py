import random

from hypothesis import given
from hypothesis import strategies as st

from common.adapters.embedded.subscriptions import Subscription, backoff_s

SUBSCRIPTION = Subscription(name="s", topic="t", endpoint="http://127.0.0.1:1/", min_backoff_s=0.5, max_backoff_s=60)


@given(st.integers(1, 10_000), st.randoms(use_true_random=False))
def test_backoff_stays_between_its_limits(attempt: int, chance: random.Random) -> None:
    assert 0.25 <= backoff_s(SUBSCRIPTION, attempt, chance) <= 60


@given(st.integers(1, 6))
def test_backoff_doubles_with_every_attempt(attempt: int) -> None:
    now, later = (backoff_s(SUBSCRIPTION, each, random.Random(1)) for each in (attempt, attempt + 1))
    assert later == 2 * now


def test_backoff_differs_by_chance() -> None:
    chance = random.Random(1)
    assert len({backoff_s(SUBSCRIPTION, 3, chance) for _ in range(20)}) == 20
