"""Posting one delivery to one subscription's endpoint, as Pub/Sub does, and reading the answer. No queue and no threads here."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec
import urllib3
from urllib3 import exceptions

from common.adapters.embedded.subscriptions import Delivery, Nack, Subscription
from common.clock import iso_utc
from common.settings import Secret

ACKNOWLEDGING: Final = frozenset({102, 200, 201, 202, 204})
_PATIENCE_S: Final = 600.0
"""Retry-After is believed up to here: the longest backoff that Pub/Sub knows."""


class _Message(msgspec.Struct, frozen=True, rename="camel"):
    data: bytes
    attributes: Mapping[str, str]
    message_id: str
    publish_time: str


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    message: _Message
    subscription: str
    delivery_attempt: int


def wrapped(delivery: Delivery) -> bytes:
    """The body of a push: `{"message": {"data": base64, "attributes", "messageId", "publishTime"}, "subscription", "deliveryAttempt"}`."""
    message = _Message(
        delivery.message.data,
        delivery.message.attributes,
        delivery.message_id,
        iso_utc(delivery.published_at_ms),
    )
    return msgspec.json.encode(_Envelope(message, delivery.subscription, delivery.attempt))


def retry_after_s(value: str | None, now_ms: int) -> float:
    """A Retry-After header (seconds or an HTTP date) as seconds from now, 0 to 600; 0 where there is none or it makes no sense."""
    if not value:
        return 0.0
    try:
        seconds = (
            float(value) if value.strip().isdecimal() else parsedate_to_datetime(value).timestamp() - now_ms / 1000
        )
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), _PATIENCE_S)


class PushEndpoint:
    """The receiver of one subscription, with a pool of kept-alive connections. Safe to use from many threads."""

    def __init__(self, subscription: Subscription, push_token: Secret) -> None:
        url = urlsplit(subscription.endpoint)
        self._target = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
        self._headers = {"Content-Type": "application/json", "User-Agent": "turnscribe-push"}
        if push_token:
            self._headers["Authorization"] = f"Bearer {push_token.reveal()}"
        self._pool = urllib3.connection_from_url(
            subscription.endpoint,
            maxsize=subscription.max_in_flight,
            timeout=urllib3.Timeout(total=subscription.ack_deadline_s),
            retries=False,
        )

    def push(self, delivery: Delivery, now_ms: int) -> Nack | None:
        """Post the delivery: None when the receiver acknowledged, else why not. Whatever the network does is a nack, never an error."""
        try:
            response = self._pool.urlopen(
                "POST",
                self._target,
                body=wrapped(delivery),
                headers=self._headers,
                redirect=False,
                preload_content=False,
            )
            if response.status < 200:
                response.close()  # the true answer is still to come on this connection
            else:
                response.drain_conn()
                response.release_conn()
        except exceptions.HTTPError as error:
            # urllib3 calls a refused connection a time-out too
            timed_out = isinstance(error, exceptions.TimeoutError) and not isinstance(
                error, exceptions.NewConnectionError
            )
            return Nack(delivery, "ack_deadline" if timed_out else "connection_failed")
        if response.status in ACKNOWLEDGING:
            return None
        asked_s = retry_after_s(response.headers.get("Retry-After"), now_ms) if response.status in {429, 503} else 0.0
        return Nack(delivery, f"http_{response.status}", asked_s)

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()
