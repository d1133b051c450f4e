"""What takes longer to make than to use, kept for whoever needs such a one next."""

import threading
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
MOST: Final = 16
"""Of one kind of thing in a process: as many as decode at the same time, and few of what hardly anybody sends."""


class Spares(Generic[K, V]):
    """Things by what they are good for, of which each is lent to one thread at a time. Safe to use from many threads.

    There are as many as were used at once, however many threads there are: of a server's pool each would come to have its own.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: list[tuple[K, V]] = []

    def take(self, good_for: K) -> V | None:
        """One that nobody else has now, the one that was used last; None where there is none."""
        with self._lock:
            for at in range(len(self._kept) - 1, -1, -1):
                if self._kept[at][0] == good_for:
                    return self._kept.pop(at)[1]
        return None

    def give(self, good_for: K, spare: V) -> None:
        """Keep one that was taken or made. Where there are too many, the one that was unused longest goes."""
        with self._lock:
            self._kept.append((good_for, spare))
            del self._kept[: -self._most]
