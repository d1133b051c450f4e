"""Places for requests that hold a server thread for long (a WebSocket, a wait for a transcript), so that short ones find a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final

from common.errors import Backpressure

RETRY_AFTER_S: Final = 5.0


class Places:
    """At most `limit` at a time. Thread-safe; one for each process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = BoundedSemaphore(limit)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place. Raises `Backpressure` at once when none is free."""
        if not self._free.acquire(blocking=False):
            what = f"All {self._limit} places for long requests of this instance are taken."
            raise Backpressure(what, reason="no_place", retry_after_s=RETRY_AFTER_S)
        try:
            yield
        finally:
            self._free.release()


def places_of(threads: int) -> int:
    """How many of a server's threads long requests may hold: half of them, and one at least."""
    return max(1, threads // 2)
