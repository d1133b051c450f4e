"""A limit on bytes per second that several uploads share."""

import re
import threading
import time
from collections.abc import Callable
from typing import Final

_UNITS: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)([kmg]?)", re.IGNORECASE)


def bytes_per_second(text: str) -> float:
    """A rate as curl takes it: `200k` is 200 × 1,024 bytes per second. Raises `ValueError` for what is none, or less than 1. Pure."""
    match = _RATE.fullmatch(text.strip())
    rate = float(match[1]) * _UNITS[match[2].lower()] if match else 0.0
    if rate < 1:
        raise ValueError(f"{text!r} is no rate, such as 500k or 2M (bytes per second)")
    return rate


class RateLimit:
    """Gives each byte its time: who takes some waits until those before them have had theirs. Thread-safe; saves up nothing."""

    def __init__(
        self,
        bytes_per_s: float,
        sleep: Callable[[float], None] = time.sleep,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.block_bytes = max(1, min(64 * 1024, round(bytes_per_s / 10)))
        """What to take at once for ten waits a second."""
        self._bytes_per_s = bytes_per_s
        self._sleep = sleep
        self._monotonic_s = monotonic_s
        self._free_at_s = 0.0
        self._lock = threading.Lock()

    def take(self, size_bytes: int) -> None:
        """Wait until `size_bytes` more may go."""
        with self._lock:
            now_s = self._monotonic_s()
            wait_s = max(0.0, self._free_at_s - now_s)
            self._free_at_s = max(self._free_at_s, now_s) + size_bytes / self._bytes_per_s
        if wait_s:
            self._sleep(wait_s)
