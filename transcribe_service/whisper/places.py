"""How many segments an instance has at Whisper at a time. What finds no place goes back to the queue, which is durable."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from common.errors import Backpressure

RETRY_AFTER_S: Final = 2.0


class WhisperPlaces:
    """`count` places. Thread-safe."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    @contextmanager
    def taken(self, *, wait_s: float) -> Iterator[None]:
        """Hold a place. Raises `Backpressure` when none is free within `wait_s`."""
        if not self._free.acquire(timeout=wait_s):
            raise Backpressure(
                "all places at Whisper are taken", reason="processing_threads_busy", retry_after_s=RETRY_AFTER_S
            )
        try:
            yield
        finally:
            self._free.release()
