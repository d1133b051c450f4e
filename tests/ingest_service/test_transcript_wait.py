from collections.abc import Callable

import pytest

from common.errors import Retryable
from common.problems import Problem
from ingest_service.http.transcript_wait import FIRST_PAUSE_S, LONGEST_PAUSE_S, completed
from ingest_service.transcript_reader import MeetingStatus
from tests.ingest_service.transcripts import DONE, UNDER_WAY, KeptTranscripts


class PausedClock:
    """Time goes on by pauses alone."""

    def __init__(self, *, stopped_after: int | None = None) -> None:
        self.pauses: list[float] = []
        self._stopped_after = stopped_after

    def now_ms(self) -> int:
        return round(self.monotonic_s() * 1000)

    def monotonic_s(self) -> float:
        return sum(self.pauses)

    def stop(self, pause_s: float) -> bool:
        self.pauses.append(pause_s)
        return len(self.pauses) == self._stopped_after


def wait(
    transcripts: KeptTranscripts, clock: PausedClock, within_s: float = 60.0, gone_after: int | None = None
) -> MeetingStatus:
    def is_gone() -> bool:
        return len(clock.pauses) == gone_after

    return completed(transcripts, "token", "m1", within_s=within_s, stop=clock.stop, is_gone=is_gone, clock=clock)


def test_what_is_complete_is_not_waited_for() -> None:
    clock = PausedClock()
    assert wait(KeptTranscripts([DONE]), clock) is DONE
    assert clock.pauses == []


@pytest.mark.parametrize("meanwhile", [None, UNDER_WAY, Retryable("away", reason="away")])
def test_it_is_asked_until_it_is_complete(meanwhile: MeetingStatus | Retryable | None) -> None:
    clock = PausedClock()
    assert wait(KeptTranscripts([*[meanwhile] * 30, DONE]), clock) is DONE
    assert clock.pauses[0] == FIRST_PAUSE_S
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[-1] == LONGEST_PAUSE_S


def refusal(call: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value


def test_the_wait_has_an_end_that_names_the_meeting() -> None:
    clock = PausedClock()
    found = refusal(lambda: wait(KeptTranscripts([]), clock, within_s=10.0))
    assert (found.status, found.extra) == (504, {"meeting_id": "m1"})
    assert "GET /v1/meetings/m1/transcript" in found.detail
    assert sum(clock.pauses) == pytest.approx(10.0)


def test_a_process_that_is_stopped_says_so_at_once() -> None:
    clock = PausedClock(stopped_after=3)
    found = refusal(lambda: wait(KeptTranscripts([]), clock))
    assert (found.status, found.extra, found.headers) == (503, {"meeting_id": "m1"}, {"Retry-After": "1"})
    assert len(clock.pauses) == 3


def test_nobody_is_waited_with_who_has_gone() -> None:
    clock = PausedClock()
    found = refusal(lambda: wait(KeptTranscripts([]), clock, gone_after=4))
    assert (found.status, len(clock.pauses)) == (408, 4)


def test_who_may_not_read_there_is_told_at_once() -> None:
    refused = Problem(401, "unauthorized", "not there")
    assert refusal(lambda: wait(KeptTranscripts([refused]), PausedClock())) is refused
