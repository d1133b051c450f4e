"""How long a server waits for a request's body while it holds a thread for it. Pure apart from the lock; the socket is `common.slow_clients`'s.

A body may be slow as long as nobody is kept waiting by it. Where others wait for a thread, the slow ones give way down to a quarter of
them: whoever sends a byte now and then can't keep anybody else from uploading, and a recorder on a bad line is not turned away for nothing.
"""

from collections.abc import Callable
from threading import Lock
from typing import Final

from common.errors import Backpressure

PROMPT_S: Final = 3.0
FAST_BYTES_PER_S: Final = 64 * 1024
"""A body is slow once it was waited for by more than PROMPT_S and a second for so many bytes of it."""
GRACE_S: Final = 60.0
LEAST_BYTES_PER_S: Final = 256
"""Nobody is waited for by more than GRACE_S and a second for so many bytes: who sends less has gone, or never meant to end."""
RETRY_AFTER_S: Final = 2.0


class SlowBodies:
    """The slow bodies of a server with so many threads. `others_wait` says whether a request waits for one of them. Thread-safe."""

    def __init__(self, threads: int, others_wait: Callable[[], bool]) -> None:
        self._tolerated = max(1, threads // 4)
        self._others_wait = others_wait
        self._lock = Lock()
        self._slow: set[Patience] = set()

    def is_one_too_many(self, body: "Patience") -> bool:
        """Note that `body` is slow, unless it has to give way: then forget it."""
        with self._lock:
            self._slow.add(body)
            if len(self._slow) <= self._tolerated or not self._others_wait():
                return False
            self._slow.discard(body)
            return True

    def forget(self, body: "Patience") -> None:
        """It has ended."""
        with self._lock:
            self._slow.discard(body)


class Patience:
    """With one request's body. Used by the thread that reads it."""

    def __init__(self, bodies: SlowBodies) -> None:
        self._bodies = bodies
        self._waited_s = 0.0
        self._received_bytes = 0

    def waited(self, seconds: float, received_bytes: int) -> None:
        """Count that so many bytes came, if any, in so many seconds. Raises `Backpressure` where it took too long."""
        self._waited_s += seconds
        self._received_bytes += received_bytes
        if self._waited_s > GRACE_S + self._received_bytes / LEAST_BYTES_PER_S:
            raise self._over("The body came too slowly; send it again.")
        if self._waited_s > PROMPT_S + self._received_bytes / FAST_BYTES_PER_S and self._bodies.is_one_too_many(self):
            raise self._over("The body comes slowly, and other requests wait; send it again.")

    def end(self) -> None:
        """The request is over, whatever became of its body."""
        self._bodies.forget(self)

    def _over(self, what: str) -> Backpressure:
        self.end()
        return Backpressure(what, reason="slow_body", retry_after_s=RETRY_AFTER_S)
