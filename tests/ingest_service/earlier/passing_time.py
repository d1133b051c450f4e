"""Waiting that takes no time."""

from common.health import Drain
from tests.ingest_service.fakes import FrozenClock


class Passing(Drain):
    """Waiting moves the clock."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout_s: float) -> bool:
        self._clock.ms += round(timeout_s * 1000) + 1
        return self.started
