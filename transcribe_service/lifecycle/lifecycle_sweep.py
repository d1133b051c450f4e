"""The sweep's part in work on meetings: goes on with what is due. Work that fails comes again, and keeps no other waiting."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from common.clock import Clock
from common.errors import TurnscribeError
from common.logs import get_logger
from common.ports.work_store import Work, WorkStore
from common.problems import Problem

log = get_logger(__name__)
WORKS_A_SWEEP: Final = 50
BUDGET_S: Final = 30.0
"""Nothing is begun after this."""
FAILED_PAUSE_MS: Final = 60_000


class WentOn(msgspec.Struct, frozen=True):
    """What one sweep did."""

    works: int
    """Deletions, replays, transcriptions and retentions that were due and gone on with."""
    failed: int
    """Of those: how many failed; they come again."""


@dataclass(frozen=True)
class LifecycleSweep:
    """Each call goes on with the work that is due, what is due longest first."""

    works: WorkStore
    go_on: Mapping[str, Callable[[Work], object]]
    """By kind of work."""
    first: Callable[[], None]
    clock: Clock

    def run(self) -> WentOn:
        """Raises `Retryable` where the store fails."""
        until_s = self.clock.monotonic_s() + BUDGET_S
        done = failed = 0
        self.first()
        for work in self.works.due(now_ms=self.clock.now_ms(), limit=WORKS_A_SWEEP):
            if self.clock.monotonic_s() >= until_s:
                break
            done += 1
            try:
                self.go_on[work.kind](work)
            except (TurnscribeError, Problem) as error:
                failed += 1
                reason = error.reason if isinstance(error, TurnscribeError) else error.kind
                log.warning("work_failed", kind=work.kind, reason=reason)
                self._put_off(work)
        return WentOn(done, failed)

    def _put_off(self, work: Work) -> None:
        due_ms = self.clock.now_ms() + FAILED_PAUSE_MS
        self.works.change(
            work.tenant,
            work.work_id,
            lambda there: msgspec.structs.replace(there, due_ms=due_ms) if there == work else there,
        )
