import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.clock import SystemClock
from common.errors import Backpressure
from whisper_service.admission import LONGEST_RETRY_AFTER_S, Admission


class MovedClock:
    """Stands until it is moved."""

    def __init__(self):
        self.at_s = 0.0

    def now_ms(self):
        return int(self.at_s * 1000)

    def monotonic_s(self):
        return self.at_s


def test_what_was_done_is_counted_with_the_time_that_it_took():
    clock = MovedClock()
    admission = Admission(workers=1, queue=0, clock=clock)
    for _ in range(2):
        with admission.admitted() as ticket:
            ticket.audio_seconds = 10.0
            clock.at_s += 1.5
        assert ticket.busy_seconds == 1.5
    done = admission.work_done()
    assert (done.requests, done.audio_seconds, done.busy_seconds) == (2, 20.0, 3.0)
    assert (done.running, done.waiting, done.rejected) == (0, 0, 0)


def test_one_more_than_run_and_wait_is_sent_away_at_once():
    admission = Admission(workers=1, queue=0, clock=MovedClock())
    with admission.admitted():
        assert admission.work_done().running == 1
        with pytest.raises(Backpressure) as full, admission.admitted():
            raise AssertionError("let in")
        assert full.value.reason == "queue_full"
        assert full.value.retry_after_s >= 1
    assert admission.work_done().rejected == 1
    with admission.admitted():
        pass


def test_a_failure_gives_its_place_back():
    admission = Admission(workers=1, queue=0, clock=MovedClock())
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), admission.admitted():
            raise ZeroDivisionError
    done = admission.work_done()
    assert (done.requests, done.running, done.waiting) == (3, 0, 0)


def test_who_waits_has_its_turn_when_another_ends():
    admission = Admission(workers=1, queue=1, clock=MovedClock())
    had_its_turn = threading.Event()

    def wait_for_a_turn():
        with admission.admitted():
            had_its_turn.set()

    with ThreadPoolExecutor(1) as pool:
        with admission.admitted():
            waiting = pool.submit(wait_for_a_turn)
            while not admission.work_done().waiting:
                pass
            assert not had_its_turn.is_set()
            with pytest.raises(Backpressure), admission.admitted():
                pass
        waiting.result(30)
    assert had_its_turn.is_set()


@given(seconds=st.floats(0, 10_000))
def test_the_advice_when_to_come_back_is_bounded(seconds):
    clock = MovedClock()
    admission = Admission(workers=1, queue=0, clock=clock)
    with admission.admitted():
        clock.at_s += seconds
    with admission.admitted(), pytest.raises(Backpressure) as full, admission.admitted():
        pass
    assert 1 <= full.value.retry_after_s <= LONGEST_RETRY_AFTER_S


@settings(max_examples=15, deadline=None)
@given(workers=st.integers(1, 3), queue=st.integers(0, 3), callers=st.integers(1, 12))
def test_never_more_run_than_may_and_all_are_served_or_sent_away(workers, queue, callers):
    admission = Admission(workers=workers, queue=queue, clock=SystemClock())
    together = threading.Barrier(callers)

    def call():
        together.wait(30)
        try:
            with admission.admitted():
                return admission.work_done()
        except Backpressure:
            return None

    with ThreadPoolExecutor(callers) as pool:
        seen = [future.result(30) for future in [pool.submit(call) for _ in range(callers)]]
    served = [state for state in seen if state]
    assert all(state.running <= workers and state.waiting <= queue + workers for state in served)
    assert len(served) >= min(callers, workers + queue)
    done = admission.work_done()
    assert (done.requests, done.rejected) == (len(served), callers - len(served))
    assert (done.running, done.waiting) == (0, 0)
