import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Backpressure
from tests.clocks import FakeClock
from transcribe_service.whisper.circuit import Circuit


def circuit(clock: FakeClock, failures: int = 3) -> Circuit:
    return Circuit(failures=failures, open_s=10, clock=clock)


def passes(tested: Circuit) -> bool:
    try:
        tested.pass_through()
    except Backpressure:
        return False
    return True


def test_it_opens_after_failures_in_a_row_and_says_for_how_long() -> None:
    clock = FakeClock()
    tested = circuit(clock)
    for _ in range(3):
        assert passes(tested)
        tested.failed()
    clock.sleep(4)
    with pytest.raises(Backpressure) as refused:
        tested.pass_through()
    assert refused.value.retry_after_s == 6
    assert tested.state == "open"


def test_a_success_between_failures_keeps_it_closed() -> None:
    tested = circuit(FakeClock())
    for _ in range(5):
        tested.failed()
        tested.failed()
        tested.succeeded()
    assert passes(tested)


def test_one_attempt_tries_whether_it_is_back_and_the_others_wait_for_it() -> None:
    clock = FakeClock()
    tested = circuit(clock)
    for _ in range(3):
        tested.failed()
    clock.sleep(10)
    assert [passes(tested), passes(tested)] == [True, False]
    tested.failed()
    assert not passes(tested)
    clock.sleep(10)
    assert passes(tested)
    tested.succeeded()
    assert [passes(tested), passes(tested)] == [True, True]


def test_an_attempt_that_never_says_how_it_went_keeps_nobody_out_for_ever() -> None:
    clock = FakeClock()
    tested = circuit(clock)
    for _ in range(3):
        tested.failed()
    clock.sleep(10)
    assert passes(tested)
    clock.sleep(10)
    assert passes(tested)


def test_without_a_limit_it_never_opens() -> None:
    tested = circuit(FakeClock(), failures=0)
    for _ in range(100):
        tested.failed()
    assert passes(tested)


@given(st.lists(st.sampled_from(["failed", "succeeded", "wait"]), max_size=60))
def test_whatever_happened_it_lets_somebody_through_after_its_time(story: list[str]) -> None:
    clock = FakeClock()
    tested = circuit(clock)
    for happened in story:
        if happened == "wait":
            clock.sleep(3)
        else:
            getattr(tested, happened)()
    clock.sleep(10)
    assert passes(tested)
