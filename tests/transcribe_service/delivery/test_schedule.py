import random

from hypothesis import given
from hypothesis import strategies as st

from tests.transcribe_service.delivery.orders_of_tests import NOW_MS, delivery
from transcribe_service.delivery.schedule import LIVE_MS, SCHEDULE_S, SPAN_MS, is_too_late, next_attempt_ms

SEEDS = st.integers(0, 999).map(random.Random)


def test_it_is_the_schedule_of_the_specification() -> None:
    assert SCHEDULE_S == (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)


@given(attempts=st.integers(1, 9), chance=SEEDS)
def test_a_pause_is_never_shorter_and_at_most_a_fifth_longer_than_scheduled(
    attempts: int, chance: random.Random
) -> None:
    due_ms = next_attempt_ms(delivery(attempts=attempts), NOW_MS, 0, chance)
    assert due_ms is not None
    assert SCHEDULE_S[attempts] * 1000 <= due_ms - NOW_MS <= SCHEDULE_S[attempts] * 1200


@given(chance=SEEDS)
def test_ten_attempts_all_failing_end_it_within_four_days(chance: random.Random) -> None:
    now_ms, attempts = NOW_MS, 1
    while (due_ms := next_attempt_ms(delivery(attempts=attempts), now_ms, 0, chance)) is not None:
        now_ms, attempts = due_ms, attempts + 1
    assert attempts == 10
    assert 75 * 3_600_000 < now_ms - NOW_MS <= SPAN_MS < 4 * 86_400_000


def test_what_the_receiver_asks_for_counts_up_to_a_day() -> None:
    chance = random.Random(1)
    assert next_attempt_ms(delivery(attempts=1), NOW_MS, 600, chance) == NOW_MS + 600_000
    assert next_attempt_ms(delivery(attempts=1), NOW_MS, 1e9, chance) == NOW_MS + 86_400_000


def test_what_is_older_than_the_whole_schedule_is_given_up_however_seldom_it_was_tried() -> None:
    assert next_attempt_ms(delivery(attempts=1, since_ms=NOW_MS - SPAN_MS), NOW_MS, 0, random.Random(1)) is None


def test_only_live_revisions_come_too_late() -> None:
    assert not is_too_late(delivery(final=False), NOW_MS + LIVE_MS)
    assert is_too_late(delivery(final=False), NOW_MS + LIVE_MS + 1)
    assert not is_too_late(delivery(), NOW_MS + 100 * LIVE_MS)
