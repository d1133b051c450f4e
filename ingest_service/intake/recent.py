"""Remembering what was asked for last."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

CAPACITY: Final = 10_000


class Recent(Generic[K, V]):
    """The values of the keys used last: who is unused for longest makes room. Thread-safe, bounded."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """The value, or None where it is not remembered."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def remember(self, key: K, value: V) -> None:
        """Keep the value, in the place of an earlier one."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._capacity:
                self._values.popitem(last=False)

    def forget(self, key: K) -> None:
        """Remember nothing of the key any more."""
        with self._lock:
            self._values.pop(key, None)
