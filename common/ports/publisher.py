"""Port: publishing an event, or a message of others, durably."""

from typing import Protocol

from common.events import Event, Message


class Publisher(Protocol):
    """Publishes to the topic that the event's class names."""

    def publish(self, event: Event) -> None:
        """Returns once the event is durable and will be pushed at least once. Raises `Retryable` when it isn't,
        `Backpressure` when the vendor's quota is used up, `Permanent` when no message can hold it."""
        ...

    def publish_message(self, topic: str, message: Message) -> None:
        """Publish to `topic` (without the installation's prefix) what somebody else published there before, as it was; as `publish`."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when nothing can be published (readiness)."""
        ...
