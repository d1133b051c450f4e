"""How many requests are let in: so many run, so many wait, the rest are told when to come back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from common.clock import Clock
from common.errors import Backpressure

FIRST_GUESS_S: Final = 1.0
"""What a transcription is taken to last before one has ended."""
LONGEST_RETRY_AFTER_S: Final = 60.0


class WorkDone(msgspec.Struct, frozen=True):
    """Since the process started. `requests` had their turn, whatever came of it.

    `busy_seconds` sums over workers: with two of them it may grow by two in a second.
    """

    requests: int
    audio_seconds: float
    busy_seconds: float
    rejected: int
    running: int
    waiting: int


class Ticket:
    """A request that was let in. `audio_seconds` is what it found to do, once it knows; `busy_seconds` what it took."""

    def __init__(self) -> None:
        self.audio_seconds = 0.0
        self.busy_seconds = 0.0


class Admission:
    """Lets requests in and counts the work that they did. Thread-safe."""

    def __init__(self, *, workers: int, queue: int, clock: Clock) -> None:
        self._workers = workers
        self._capacity = workers + queue
        self._clock = clock
        self._turns = threading.Semaphore(workers)
        self._lock = threading.Lock()
        self._inside = 0
        self._running = 0
        self._done = 0
        self._rejected = 0
        self._audio_s = 0.0
        self._busy_s = 0.0

    @contextmanager
    def admitted(self) -> Iterator[Ticket]:
        """Wait for a turn, then hold it. Raises `Backpressure` (reason `queue_full`) at once when the queue is full."""
        self._enter()
        try:
            with self._turns:
                yield from self._turn()
        finally:
            with self._lock:
                self._inside -= 1

    def work_done(self) -> WorkDone:
        """The counts as they are now."""
        with self._lock:
            return WorkDone(
                requests=self._done,
                audio_seconds=round(self._audio_s, 3),
                busy_seconds=round(self._busy_s, 3),
                rejected=self._rejected,
                running=self._running,
                waiting=self._inside - self._running,
            )

    def _enter(self) -> None:
        with self._lock:
            if self._inside >= self._capacity:
                self._rejected += 1
                raise Backpressure(
                    f"{self._inside} transcriptions run or wait already; this server takes no more than that.",
                    reason="queue_full",
                    retry_after_s=self._retry_after_s(),
                )
            self._inside += 1

    def _retry_after_s(self) -> float:
        """When about half of those inside will have left."""
        each_s = self._busy_s / self._done if self._done else FIRST_GUESS_S
        return min(LONGEST_RETRY_AFTER_S, max(1.0, each_s * self._inside / self._workers / 2))

    def _turn(self) -> Iterator[Ticket]:
        ticket = Ticket()
        began_s = self._clock.monotonic_s()
        with self._lock:
            self._running += 1
        try:
            yield ticket
        finally:
            ticket.busy_seconds = self._clock.monotonic_s() - began_s
            with self._lock:
                self._running -= 1
                self._busy_s += ticket.busy_seconds
                self._audio_s += ticket.audio_seconds
                self._done += 1
