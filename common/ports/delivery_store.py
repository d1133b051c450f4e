"""Port: what is still to be delivered to whom. One delivery for each receiver and subject, whatever its revisions.

It holds no content: what is sent is read from the transcript when it is sent. What becomes of a delivery is decided by who uses the
store; here it is only kept, and found when it is due.
"""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The newest thing about `subject` that `receiver` is to be told, and how far that is."""

    tenant: str
    receiver: str
    """`engine`, or the id of a webhook."""
    subject: str
    """What it is about: a segment's id or a meeting's, behind the type of the message; unique for a receiver."""
    type: str
    """Of the message, e.g. `transcript.segment`."""
    meeting_id: str
    connection_id: str
    segment_id: str = ""
    take: str = ""
    """Which transcription of the meeting."""
    rank: int
    """Of two deliveries about one subject, the one of higher rank is the newer one. At most 63 bits."""
    final: bool = True
    """False: a live revision, which is worth nothing when it comes late."""
    message_id: str
    """The same in every attempt, and however often the same update is announced."""
    happened_at_ms: int
    """Epoch milliseconds of what it tells of."""
    since_ms: int
    """When it was first wanted, epoch."""
    attempts: int = 0
    """How many were begun."""
    due_ms: int | None
    """When the next one may begin (epoch milliseconds); while one is in hand, when it counts as lost. None: there is nothing to do."""
    in_hand: bool = False
    """Somebody is at it."""
    outcome: Literal["", "delivered", "dropped", "dead"] = ""
    """How it ended; empty while it has not."""
    reason: str = ""
    """Slug of the last failure, or why it ended."""
    expires_ms: int | None = None
    """When it may be forgotten: only once it has ended."""


Change = Callable[[Delivery | None], Delivery | None]


class DeliveryStore(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def change(self, tenant: str, receiver: str, subject: str, change: Change) -> Delivery | None:
        """Replace a delivery (None: there is none yet) by what `change` makes of it; None: everything stays as it is.

        Atomic: `change` is asked again where another writer was faster. Returns what is there afterwards.
        """
        ...

    def get(self, tenant: str, receiver: str, subject: str) -> Delivery | None:
        """One delivery, or None."""
        ...

    def due(self, tenant: str, receiver: str, now_ms: int, *, limit: int) -> list[Delivery]:
        """A receiver's deliveries that are due at `now_ms`, the one due longest first."""
        ...

    def receivers_due(self, now_ms: int, *, limit: int) -> list[Delivery]:
        """Of each receiver of any tenant that has something due at `now_ms`: what is due longest. What it costs grows with the number
        of receivers that wait for something, and not with how much they wait for."""
        ...

    def forget_expired(self, now_ms: int, *, limit: int) -> int:
        """Remove deliveries whose `expires_ms` has come, at most `limit`. Returns how many."""
        ...

    def forget_receiver(self, tenant: str, receiver: str) -> None:
        """Remove all deliveries of a receiver; removing what is not there is no error."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when the store can't be reached (readiness)."""
        ...
