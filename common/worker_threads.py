"""A pool that has as many threads as were ever at work at once, and no more."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class WorkerThreads(ThreadPoolExecutor):
    """Begins another thread only where all of them are at work.

    The base class counts idle threads, and loses count where one that has just finished takes what an idle one was counted for. So after
    an hour of short requests it has all the threads that it may have, each with memory of its own.
    """

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers)
        self._lock = Lock()
        self._to_do = 0
        """What is being done, and what waits."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See the base class."""

        def done() -> T:
            try:
                return fn(*args, **kwargs)
            finally:
                with self._lock:
                    self._to_do -= 1

        with self._lock:
            self._to_do += 1
        return super().submit(done)

    def _adjust_thread_count(self) -> None:
        if self._to_do > len(self._threads):
            while self._idle_semaphore.acquire(timeout=0):  # nobody is idle, whatever was counted
                pass
            super()._adjust_thread_count()
