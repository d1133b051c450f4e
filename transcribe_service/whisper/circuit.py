"""A circuit breaker: while Whisper fails, nobody waits for it; now and then one call tries whether it is back. No I/O."""

import threading
from typing import Final, Literal

from common.clock import Clock
from common.errors import Backpressure

REASON: Final = "whisper_circuit_open"


class Circuit:
    """Opens after `failures` failed attempts in a row, for `open_s` seconds; then one attempt decides. Thread-safe.

    0 failures: it never opens.
    """

    def __init__(self, *, failures: int, open_s: float, clock: Clock) -> None:
        self._limit = failures
        self._open_s = open_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._closed_at_s: float | None = None
        """When the next attempt is let through; None while it is closed."""

    def pass_through(self) -> None:
        """Ask before an attempt. Raises `Backpressure`, with the time left, while it is open.

        Who is let through an open circuit is the only one for `open_s`, whether or not it ever says how it went.
        """
        with self._lock:
            if self._closed_at_s is None:
                return
            now_s = self._clock.monotonic_s()
            if now_s < self._closed_at_s:
                left_s = self._closed_at_s - now_s
                raise Backpressure("Whisper has failed often and is left alone", reason=REASON, retry_after_s=left_s)
            self._closed_at_s = now_s + self._open_s

    def succeeded(self) -> None:
        """An attempt was answered, whatever the answer said about the audio."""
        with self._lock:
            self._failed = 0
            self._closed_at_s = None

    def failed(self) -> None:
        """An attempt was not answered, or the server said that it cannot."""
        with self._lock:
            self._failed += 1
            if self._limit and self._failed >= self._limit:
                self._closed_at_s = self._clock.monotonic_s() + self._open_s

    @property
    def state(self) -> Literal["closed", "open"]:
        """For logs and tests."""
        return "closed" if self._closed_at_s is None else "open"
