"""Port: work on meetings that goes on until it is done, whoever dies meanwhile: deletions, replays, other transcriptions, retention."""

from collections.abc import Callable
from typing import Protocol

import msgspec


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work of one tenant, and its outcome."""

    tenant: str
    work_id: str
    """Made of its kind and of what it is about, so that the same request finds the same work."""
    kind: str
    """Who goes on with it."""
    due_ms: int | None
    """When somebody is to go on with it (epoch milliseconds); None: never of itself."""
    content: msgspec.Raw
    """JSON, as its kind has it. No words of a transcript, and no names of speakers."""


class WorkStore(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def add(self, work: Work) -> bool:
        """Store new work. False where there is some with its id, which stays."""
        ...

    def get(self, tenant: str, work_id: str) -> Work | None:
        """One piece of work, or None."""
        ...

    def change(self, tenant: str, work_id: str, change: Callable[[Work], Work]) -> Work | None:
        """Replace work by what `change` makes of it; atomic: `change` is asked again where another writer was faster.

        Returns the work as it is now; None when there is none. `change` leaves tenant, id and kind as they are.
        """
        ...

    def due(self, *, now_ms: int, limit: int) -> list[Work]:
        """Work of all tenants that is due at `now_ms`, the one due longest first."""
        ...

    def remove(self, tenant: str, work_id: str) -> None:
        """Forget work; forgetting what is not there is no error."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when the store can't be reached (readiness)."""
        ...
