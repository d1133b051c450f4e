"""Trying again inside the request: clients that stop at the first refusal must not meet a store's bad moment."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import tenacity

from common.clock import Clock
from common.errors import Backpressure, Retryable
from common.health import Drain
from common.logs import get_logger
from ingest_service.http.places import Places

PATIENCE_S: Final = 20.0
"""Browsers wait longer, and so does Cloud Run."""
_PAUSES: Final = tenacity.wait_random_exponential(multiplier=0.2, max=2)
T = TypeVar("T")
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Repeats what fails for a passing reason, at most PATIENCE_S, and no longer than the process has to live.

    Who waits holds a server thread, and so a place of those for long requests: an outage must not take the threads of what needs none.
    """

    clock: Clock
    drain: Drain
    places: Places

    def until_done(self, work: Callable[[], T]) -> T:
        """The result of `work`, which is harmless to repeat. Raises its last `Retryable` or `Backpressure`; anything else at once.

        `Backpressure` too where it would have to wait and there is no place.
        """
        try:
            return work()
        except (Retryable, Backpressure):
            with self.places.taken():
                return self._repeated(work)

    def _repeated(self, work: Callable[[], T]) -> T:
        deadline_s = self.clock.monotonic_s() + PATIENCE_S

        def is_over(_state: tenacity.RetryCallState) -> bool:
            return self.drain.started or self.clock.monotonic_s() >= deadline_s

        def pause(seconds: float) -> None:
            self.drain.wait(seconds)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((Retryable, Backpressure)),
            wait=_PAUSES,
            stop=is_over,
            sleep=pause,
            before_sleep=_log_retry,
            reraise=True,
        )
        return retrying(work)


def _log_retry(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("tried_again", attempt=state.attempt_number, reason=getattr(error, "reason", ""))
