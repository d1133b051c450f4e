"""The `Publisher` port over Pub/Sub.

One unary call for each event, on purpose: every caller waits for its event before it answers, so a batch would only add its delay,
and the threads of the instance bound what is in flight. Nothing is ordered: sequence numbers do that job (ADR 0001).
"""

from typing import Final

from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PubsubMessage

from common.adapters.google.google_errors import translated
from common.clock import Clock
from common.errors import Permanent, Retryable
from common.events import STREAM_EVENTS_TOPIC, Event, to_message
from common.trace import current_traceparent

TIMEOUT_S: Final = 10.0
MAX_MESSAGE_BYTES: Final = 10_000_000
_WHAT: Final = "Pub/Sub"


class PubSubPublisher:
    """Publishes events as CloudEvents to the topics of one installation. Safe to use from many threads; one in each process.

    `prefix` is what the topics' names begin with; `source` names the publishing service, e.g. `/turnscribe/ingest`.
    """

    def __init__(self, project: str, prefix: str, source: str, clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        self._source = source
        self._clock = clock
        self._timeout_s = timeout_s
        self._topic_root = f"projects/{project}/topics/{prefix}"
        with translated(_WHAT):
            self._client = PublisherClient()

    def publish(self, event: Event) -> None:
        """Returns once Pub/Sub has the event. Raises `Retryable` when that is not known, `Permanent` when it is too large."""
        message = to_message(event, source=self._source, now_ms=self._clock.now_ms(), traceparent=current_traceparent())
        if len(message.data) > MAX_MESSAGE_BYTES:
            raise Permanent(f"{event.TYPE}: {len(message.data)} bytes are no message", reason="event_too_large")
        wanted = PubsubMessage(data=message.data, attributes=dict(message.attributes))
        with translated(_WHAT):
            self._client.publish(
                topic=self._topic_root + event.TOPIC,
                messages=[wanted],
                retry=None,  # who called us tries again
                timeout=self._timeout_s,
            )

    def check(self) -> None:
        """Raise `Retryable` when Pub/Sub does not answer for the topic of stream events.

        Without the right to look at topics (a publisher needs none) its refusal is an answer too.
        """
        with translated(_WHAT):
            try:
                self._client.get_topic(
                    topic=self._topic_root + STREAM_EVENTS_TOPIC, retry=None, timeout=self._timeout_s
                )
            except exceptions.NotFound as error:
                raise Retryable("the topics are not there", reason="topic_missing") from error
            except exceptions.Forbidden:
                return

    def close(self) -> None:
        """Close the channel."""
        self._client.transport.close()  # type: ignore[no-untyped-call]
