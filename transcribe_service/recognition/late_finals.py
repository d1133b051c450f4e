"""Whether final revisions of live speech are late here: then live text is not worth Whisper's time. No I/O.

Where many are in work at a time, live text finds no free place at Whisper while final work waits for one. Where few are, as behind a
broker that pushes little at once, final work waits in the queue, where nobody sees it: how old it is when it comes tells.
"""

import threading
from typing import Final

REMEMBERED_S: Final = 10.0
"""So long after the last one that was late nothing else is taken to be early: with a backlog, the next one comes sooner."""


class LateFinals:
    """Thread-safe; one for each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._late_until_s = float("-inf")

    def came_late(self, now_s: float) -> None:
        """A final revision has waited too long, on the monotonic clock."""
        with self._lock:
            self._late_until_s = max(self._late_until_s, now_s + REMEMBERED_S)

    def are_there(self, now_s: float) -> bool:
        """Whether they come late now."""
        with self._lock:
            return now_s < self._late_until_s
