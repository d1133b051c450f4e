"""Waiting for a recording's transcript: asking with growing pauses, until it is complete or there is a reason not to."""

from collections.abc import Callable
from typing import Final

from common.clock import Clock
from common.errors import Retryable
from common.logs import get_logger
from common.problems import Problem
from ingest_service.transcript_reader import MeetingStatus, Transcripts

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0
_GROWTH: Final = 1.3
log = get_logger(__name__)


def completed(
    transcripts: Transcripts,
    token: str,
    meeting_id: str,
    *,
    within_s: float,
    stop: Callable[[float], bool],
    is_gone: Callable[[], bool],
    clock: Clock,
) -> MeetingStatus:
    """The meeting's status once its transcript is complete.

    `stop` waits for so many seconds, or answers True when this process is to end. `is_gone` says whether the caller has gone; then
    this ends, so that callers who try again and again hold one thread each. The recording is durable and goes its way whatever becomes
    of this request, so each `Problem` names the meeting: 504 after `within_s`, 503 at the end of the process, 408 for nobody to read.
    What can't be asked now is asked again.
    """
    deadline_s = clock.monotonic_s() + within_s
    pause_s = FIRST_PAUSE_S
    while True:
        status = _asked(transcripts, token, meeting_id)
        if status is not None and status.complete:
            return status
        left_s = deadline_s - clock.monotonic_s()
        if left_s <= 0:
            raise Problem(
                504,
                "transcript-not-ready",
                f"The transcript was not complete within {within_s:g} s. The recording is stored: send the same request again to go on "
                f"waiting, or read GET /v1/meetings/{meeting_id}/transcript later.",
                meeting_id=meeting_id,
            )
        if stop(min(pause_s, left_s)):
            raise Problem(
                503,
                "stopping",
                "This server is being stopped. The recording is stored: send the same request again to go on waiting.",
                headers={"Retry-After": "1"},
                meeting_id=meeting_id,
            )
        if is_gone():
            raise Problem(408, "caller-gone", "The caller closed the connection.", meeting_id=meeting_id)
        pause_s = min(pause_s * _GROWTH, LONGEST_PAUSE_S)


def _asked(transcripts: Transcripts, token: str, meeting_id: str) -> MeetingStatus | None:
    try:
        return transcripts.status(token, meeting_id)
    except Retryable as error:
        log.warning("transcript_not_asked", reason=error.reason)
        return None
