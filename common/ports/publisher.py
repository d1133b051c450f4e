"""Port: publishing an event durably."""

from typing import Protocol

from common.events import Event


class Publisher(Protocol):
    """Publishes to the topic that the event's class names."""

    def publish(self, event: Event) -> None:
        """Returns once the event is durable and will be pushed at least once. Raises `Retryable` when it isn't,
        `Backpressure` when the vendor's quota is used up, `Permanent` when no message can hold it."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when nothing can be published (readiness)."""
        ...
