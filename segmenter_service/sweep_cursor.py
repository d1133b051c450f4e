"""Where the sweep stopped, kept in Redis, so that it goes on there whichever instance sweeps next."""

from typing import Final, Protocol

import redis

from segmenter_service.mailbox import redis_errors_translated

CURSOR_TTL_MS: Final = 3_600_000
"""A sweep comes every minute; where none came for so long, it may as well begin at the beginning."""


class SweepCursor(Protocol):
    """A place in a sorted list. Losing it is harmless: the list is then looked through from its beginning."""

    def place(self) -> str:
        """After which key to go on; empty: at the beginning. Raises `Retryable`."""
        ...

    def move(self, after: str) -> None:
        """Go on after this key next time. Raises `Retryable`."""
        ...


class RedisCursor:
    """A cursor under one key."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._redis = client
        self._key = f"turnscribe:sweep:{name}"

    def place(self) -> str:
        """After which key to go on."""
        with redis_errors_translated():
            found = self._redis.get(self._key)
        return found.decode() if isinstance(found, bytes) else ""

    def move(self, after: str) -> None:
        """Go on after this key next time."""
        with redis_errors_translated():
            self._redis.set(self._key, after, px=CURSOR_TTL_MS)
