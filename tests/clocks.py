"""A clock that stands still until a test moves it."""

import threading


class FakeClock:
    """Implements `common.clock.Clock`; may be read and moved from several threads."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._lock = threading.Lock()
        self._now_ms = now_ms

    def now_ms(self) -> int:
        with self._lock:
            return self._now_ms

    def monotonic_s(self) -> float:
        return self.now_ms() / 1000

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now_ms += round(seconds * 1000)

    def sleep(self, seconds: float) -> None:
        """For what would wait: the time passes at once."""
        self.advance(seconds)
