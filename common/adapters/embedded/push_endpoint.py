"""Posting one delivery to one subscription's endpoint, as Pub/Sub does, and reading the answer. No queue and no threads here."""

import select
from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

import msgspec

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
    """The receiver of one subscription, with connections that are kept. Safe to use from many threads.

    The standard library's client, which takes a third less CPU time for each push than urllib3, and no more is needed here.
    """

    def __init__(self, subscription: Subscription, push_token: Secret) -> None:
        url = urlsplit(subscription.endpoint)
        self._target = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
        self._headers = {"Content-Type": "application/json", "User-Agent": "turnscribe-push"}
        if push_token:
            self._headers["Authorization"] = f"Bearer {push_token.reveal()}"
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        self._connection = partial(kind, url.hostname or "", url.port, timeout=subscription.ack_deadline_s)
        self._idle: deque[HTTPConnection] = deque()
        self._closed = False

    def push(self, delivery: Delivery, now_ms: int) -> Nack | None:
        """Post the delivery: None when the receiver acknowledged, else why not. Whatever the network does is a nack, never an error."""
        connection = self._idle_connection() or self._connection()
        try:
            connection.request("POST", self._target, body=wrapped(delivery), headers=self._headers)
            response = connection.getresponse()
            if response.status < 200:
                connection.close()  # the true answer is still to come on this connection
            else:
                response.read()
        except TimeoutError:
            connection.close()
            return Nack(delivery, "ack_deadline")
        except (OSError, HTTPException):
            connection.close()
            return Nack(delivery, "connection_failed")
        self._keep(connection)
        if response.status in ACKNOWLEDGING:
            return None
        asked_s = retry_after_s(response.headers.get("Retry-After"), now_ms) if response.status in {429, 503} else 0.0
        return Nack(delivery, f"http_{response.status}", asked_s)

    def close(self) -> None:
        """Close the idle connections; those in use are closed after it."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _idle_connection(self) -> HTTPConnection | None:
        """One that can be used; the one used last, so that those of a busy hour are closed by the receiver."""
        while self._idle:
            connection = self._idle.pop()
            if not _is_over(connection):
                return connection
            connection.close()
        return None

    def _keep(self, connection: HTTPConnection) -> None:
        if connection.sock is None:  # the receiver wanted it closed
            return
        self._idle.append(connection)
        if self._closed:
            self.close()


def _is_over(connection: HTTPConnection) -> bool:
    """Whether an idle connection was closed at the other end, or has bytes that nobody asked for."""
    idle = select.poll()
    idle.register(connection.sock, select.POLLIN)
    return bool(idle.poll(0))
