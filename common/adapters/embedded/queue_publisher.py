"""The `Publisher` port over the embedded queue."""

from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.clock import Clock
from common.events import Event, Message, to_message
from common.trace import current_traceparent


class QueuePublisher:
    """Publishes events as CloudEvents. `source` names the publishing service, e.g. `/turnscribe/ingest`."""

    def __init__(self, queue: SqliteQueue, source: str, clock: Clock) -> None:
        self._queue = queue
        self._source = source
        self._clock = clock

    def publish(self, event: Event) -> None:
        """Returns once the event is durable and will be pushed at least once. Raises `Retryable` when it isn't."""
        message = to_message(event, source=self._source, now_ms=self._clock.now_ms(), traceparent=current_traceparent())
        self._queue.publish(event.TOPIC, message)

    def publish_message(self, topic: str, message: Message) -> None:
        """The same for a message that is no event of ours."""
        self._queue.publish(topic, message)

    def check(self) -> None:
        """Raise `Retryable` when nothing can be published."""
        self._queue.check()
