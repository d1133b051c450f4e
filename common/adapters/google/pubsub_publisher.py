"""The `Publisher` port over Pub/Sub.

One unary call for each event, on purpose: every caller waits for its event before it answers, so a batch would only add its delay,
and the threads of the instance bound what is in flight. Nothing is ordered: sequence numbers do that job (ADR 0001).
Measured on the emulator with 1 and 8 threads: 1,600 and 3,000 to 5,100 events/s in unary calls; with the SDK's own `publish`, 950 and
1,280 in batches of one, 470 and 3,300 in batches of 1 ms, 89 and 695 in its default of 10 ms.
"""

import threading
from typing import Any, Final

import grpc  # type: ignore[import-untyped]
from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient as SdkClient  # type: ignore[import-untyped]
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from common.adapters.google.google_errors import translated
from common.clock import Clock
from common.errors import Permanent, Retryable
from common.events import STREAM_EVENTS_TOPIC, Event, Message, to_message
from common.trace import current_traceparent

TIMEOUT_S: Final = 10.0
MAX_REQUEST_BYTES: Final = 10_000_000
RECONNECT: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
"""Look for a lost server every second. gRPC's own pauses grow to two minutes, in which every publish fails although it is back: 15 s
after an outage of 30 s. A new client would share the old one's pause, which belongs to the address."""
_WHAT: Final = "Pub/Sub"


class PubSubPublisher:
    """Publishes events as CloudEvents to the topics of one installation. Safe to use from many threads; one in each process.

    `prefix` is what the topics' names begin with; `source` names the publishing service, e.g. `/turnscribe/ingest`. The first
    call looks for credentials and connects.
    """

    def __init__(self, project: str, prefix: str, source: str, clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        self._source = source
        self._clock = clock
        self._timeout_s = timeout_s
        self._topic_root = f"projects/{project}/topics/{prefix}"
        self._lock = threading.Lock()
        self._connected: PublisherClient | None = None

    def publish(self, event: Event) -> None:
        """Returns once Pub/Sub has the event. Raises `Retryable` when that is not known, `Permanent` when it is too large."""
        message = to_message(event, source=self._source, now_ms=self._clock.now_ms(), traceparent=current_traceparent())
        self._publish(event.TOPIC, message, event.TYPE)

    def publish_message(self, topic: str, message: Message) -> None:
        """The same for a message that is no event of ours."""
        self._publish(topic, message, topic)

    def _publish(self, topic: str, message: Message, what: str) -> None:
        wanted = PublishRequest(
            topic=self._topic_root + topic,
            messages=[PubsubMessage(data=message.data, attributes=dict(message.attributes))],
        )
        size_bytes = PublishRequest.pb(wanted).ByteSize()
        if size_bytes > MAX_REQUEST_BYTES:
            raise Permanent(f"{what}: {size_bytes} bytes are no message", reason="event_too_large")
        with translated(_WHAT):
            # The SDK's class overrides `publish` with its batching one; this is the call below it. Who called us tries again.
            PublisherClient.publish(self._client(), wanted, retry=None, timeout=self._timeout_s)

    def check(self) -> None:
        """Raise `Retryable` when Pub/Sub does not answer for the topic of stream events.

        Without the right to look at topics (a publisher needs none) its refusal is an answer too.
        """
        with translated(_WHAT):
            try:
                self._client().get_topic(
                    topic=self._topic_root + STREAM_EVENTS_TOPIC, retry=None, timeout=self._timeout_s
                )
            except exceptions.NotFound as error:
                raise Retryable("the topics are not there", reason="topic_missing") from error
            except exceptions.Forbidden:
                return

    def close(self) -> None:
        """Close the channel. Another call opens one again."""
        with self._lock:
            if self._connected is not None:
                self._connected.transport.close()  # type: ignore[no-untyped-call]
            self._connected = None

    def _client(self) -> PublisherClient:
        with self._lock:
            if self._connected is None:
                # Of the two client classes this is the one that gives the emulator's address to the transport.
                self._connected = SdkClient(transport=ReconnectingTransport)
            return self._connected


class ReconnectingTransport(PublisherGrpcTransport):
    """The SDK's transport, with `RECONNECT`."""

    def __init__(self, *, host: str, channel: grpc.Channel | None = None, **options: Any) -> None:
        if channel is None:
            super().__init__(host=host, channel=_secure_channel, **options)
        else:  # the SDK's channel to the emulator, which has no options
            channel.close()
            super().__init__(host=host, channel=grpc.insecure_channel(host, RECONNECT), **options)


def _secure_channel(host: str, *, options: Any, **others: Any) -> grpc.Channel:
    return PublisherGrpcTransport.create_channel(host, options=[*options, *RECONNECT], **others)
