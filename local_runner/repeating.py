"""Something that is done again and again beside the requests, in a thread of its own."""

import threading
from collections.abc import Callable


class Repeating:
    """Calls `work` every `interval_s`, one call at a time, the first after one interval. `work` lets no exception out."""

    def __init__(self, name: str, interval_s: float, work: Callable[[], None]) -> None:
        self._interval_s = interval_s
        self._work = work
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin. Starts once."""
        self._thread.start()

    @property
    def is_stopping(self) -> bool:
        """True once `stop` was called."""
        return self._stopping.is_set()

    def stop(self, timeout_s: float) -> None:
        """Call it no more; wait for the call under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            self._work()
