"""The publisher of a process in which meetings are watched: what is announced here is seen here at once."""

from collections.abc import Callable

from common.events import Event, Message, TranscriptUpdated
from common.ports.publisher import Publisher

Wake = Callable[[str, str], None]
"""Told tenant and meeting."""


class WakingPublisher:
    """`Publisher` over another one. Transcripts are announced once they are stored, so those who watch need not wait for the topic."""

    def __init__(self, publisher: Publisher, wake: Wake) -> None:
        self._publisher = publisher
        self._wake = wake

    def publish(self, event: Event) -> None:
        """As the port says."""
        if isinstance(event, TranscriptUpdated):
            self._wake(event.tenant, event.meeting_id)
        self._publisher.publish(event)

    def publish_message(self, topic: str, message: Message) -> None:
        """As the port says."""
        self._publisher.publish_message(topic, message)

    def check(self) -> None:
        """As the port says."""
        self._publisher.check()
