"""The push envelope: what Pub/Sub posts, who may post it, and which status each failure becomes. Only here.

A service says for each kind of event what it does with it; for a subscription whose messages are others' and no events, it has a
`RawHandler`. What becomes of failures is the same.

Both forms are accepted: wrapped (`{"message": {"data": base64, "attributes": …}, "subscription": …}`) and unwrapped (raw body,
attributes in `x-goog-pubsub-*` headers). 204 acknowledges; the emulator takes 202 for a nack.
"""

import base64
import hmac
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
from flask import Blueprint, Request, Response, request
from opentelemetry.trace import SpanKind
from structlog.contextvars import bind_contextvars
from werkzeug.datastructures import Headers

from common.dead_letters import SOURCE_PUBLISH_TIME
from common.errors import Backpressure, Permanent, Retryable
from common.events import EVENT_TYPES, Event, Message, from_message
from common.limited_body import limited_body
from common.logs import ID_KEYS, get_logger
from common.settings import Secret
from common.trace import record_error
from common.web import span_for_request

log = get_logger(__name__)
_HEADER = "x-goog-pubsub-"
_IS_UNWRAPPED: Final = f"{_HEADER}message-id"
_OWN_HEADERS = ("ce-", "cloudpubsubdeadlettersource")
"""Of an unwrapped message's attributes, those that say something here; in headers nobody keeps the case of their names."""
_in_hand: ContextVar["Pushed | None"] = ContextVar("pushed_in_hand", default=None)
DEAD_LETTERS: Final = "dead-letters"
"""The subscription, as the path names it, to which messages come that failed too often."""
MAX_PUSH_BYTES: Final = 16 * 1024**2
"""Pub/Sub's largest message has 10 MB, and a third more in base64."""
_NO_HEADERS: Final = frozenset[str]()
_NOT_ATTRIBUTES = {"message-id", "publish-time", "subscription-name", "ordering-key", "delivery-attempt"}


class Pushed(msgspec.Struct, frozen=True):
    """One delivery."""

    message: Message
    message_id: str
    subscription: str
    delivery_attempt: int
    """1 where the envelope does not say."""
    published_ms: int | None = None
    """Epoch milliseconds at which Pub/Sub took the message; None where the envelope does not say."""


class PushAuth(Protocol):
    """Decides whether a request comes from the push service."""

    def allows(self, req: Request) -> bool:
        """True when it does."""
        ...


class SharedTokenAuth:
    """The embedded queue and its services share a token that nobody else knows."""

    def __init__(self, token: Secret) -> None:
        self._is_set = bool(token)
        self._expected = f"Bearer {token.reveal()}".encode()

    def allows(self, req: Request) -> bool:
        """Constant-time comparison with the Authorization header. Without a token nobody is allowed."""
        return self._is_set and hmac.compare_digest(req.headers.get("Authorization", "").encode(), self._expected)


class _WrappedMessage(msgspec.Struct):
    data: str = ""
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    messageId: str = ""  # noqa: N815 -- Pub/Sub's field name
    publishTime: str = ""  # noqa: N815


class _Envelope(msgspec.Struct):
    message: _WrappedMessage
    subscription: str = ""
    deliveryAttempt: int = 1  # noqa: N815 -- Pub/Sub's field name


def _unwrapped(headers: Mapping[str, str], body: bytes, own: Collection[str]) -> Pushed | None:
    """The delivery in headers and raw body, or None when the headers are not those of an unwrapped push."""
    found = {key.lower()[len(_HEADER) :]: value for key, value in headers.items() if key.lower().startswith(_HEADER)}
    if "message-id" not in found:
        return None
    attributes = {key: value for key, value in found.items() if key not in _NOT_ATTRIBUTES}
    lower = {key.lower(): value for key, value in headers.items()}
    attributes |= {key: value for key, value in lower.items() if key in own or key.startswith(_OWN_HEADERS)}
    attempt = found.get("delivery-attempt", "1")
    return Pushed(
        Message(body, attributes),
        found["message-id"],
        found.get("subscription-name", ""),
        int(attempt) if attempt.isdecimal() else 1,
        _read_time_ms(found.get("publish-time", "")),
    )


def parse_push(headers: Mapping[str, str], body: bytes, own: Collection[str] = _NO_HEADERS) -> Pushed:
    """The delivery in a push request of either form. Raises `Permanent` when it is neither.

    `own` are names, in lower case, of headers that are attributes of the message where it comes unwrapped, besides those of events.
    """
    unwrapped = _unwrapped(headers, body, own)
    if unwrapped is not None:
        return unwrapped
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        data = base64.b64decode(envelope.message.data, validate=True)
    except (ValueError, RecursionError) as error:  # ValueError: no JSON, no UTF-8, no base64, not even ASCII
        raise Permanent(f"push envelope: {error}", reason="invalid_envelope") from error
    return Pushed(
        Message(data, envelope.message.attributes),
        envelope.message.messageId,
        envelope.subscription,
        envelope.deliveryAttempt,
        _read_time_ms(envelope.message.publishTime),
    )


def pushed_in_hand() -> Pushed | None:
    """The delivery whose event is being handled; None outside a push."""
    return _in_hand.get()


def event_time_ms() -> int | None:
    """Epoch milliseconds at which the event in hand was published; None outside a push, or where `ce-time` is not readable."""
    pushed = _in_hand.get()
    return _read_time_ms(pushed.message.attributes.get("ce-time", "")) if pushed else None


def _read_time_ms(time: str) -> int | None:
    try:
        return round(datetime.fromisoformat(time).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None  # only ages are taken from it: an event without a readable time is as good as a new one


def first_published_ms(pushed: Pushed) -> int | None:
    """Epoch milliseconds at which the message was published, also where it has become a dead letter since; None where nobody says."""
    names = {name.lower(): value for name, value in pushed.message.attributes.items()}
    return _read_time_ms(names.get(SOURCE_PUBLISH_TIME.lower(), "")) or pushed.published_ms


def _continue_trace(pushed: Pushed, subscription: str) -> None:
    """Begin the span of this delivery, in the trace of what published its event."""
    attributes = pushed.message.attributes
    event_type = attributes.get("ce-type", "")
    span_for_request(
        f"{event_type if event_type in EVENT_TYPES else 'push'} {subscription}",
        SpanKind.CONSUMER,
        traceparent=attributes.get("ce-traceparent"),
        attributes={
            "messaging.system": "gcp_pubsub",
            "messaging.message.id": pushed.message_id,
            "messaging.destination.subscription.name": subscription,
            "messaging.gcp_pubsub.message.delivery_attempt": pushed.delivery_attempt,
        },
    )


Handlers = Mapping[type[Event], Callable[[Any], None]]


class RawHandler(Protocol):
    """What a service does with the messages of a subscription that are no events of ours."""

    @property
    def attributes(self) -> Collection[str]:
        """The attributes that it reads, in lower case: what of an unwrapped push's headers is the message's."""
        ...

    def handle(self, pushed: Pushed) -> None:
        """As a handler of events: returns when everything that the message leads to is durable, or raises one of the three errors."""
        ...


Quarantine = Callable[[bytes, Permanent], None]
"""Stores the request body with the reason, durably; may raise `Retryable`."""


def push_blueprint(
    handlers: Handlers,
    quarantine: Quarantine,
    auth: PushAuth,
    dead_letters: Handlers | None = None,
    raw: Mapping[str, RawHandler] | None = None,
) -> Blueprint:
    """`POST /push/<subscription>`: decode, dispatch by event type, answer.

    A handler returns when everything that the event leads to is durable, or raises one of the three errors. Events that no
    handler is registered for are acknowledged: a topic may carry types that one subscriber does not need. `dead_letters` are
    the handlers for `/push/dead-letters`; see `common.dead_letter_push`. `raw` are the subscriptions, as the path names them, whose
    messages are no events.
    """
    raw_handlers = raw or {}
    routes = Blueprint("push", __name__, url_prefix="/push")

    @routes.post("/<subscription>")
    def receive(subscription: str) -> Response:
        if not auth.allows(request):
            log.warning("push_refused", subscription=subscription)
            return Response(status=401)
        body = limited_body(request, MAX_PUSH_BYTES)
        try:
            return _deliver(request.headers, body, subscription)
        except Permanent as error:
            record_error(error)
            log.warning("event_quarantined", subscription=subscription, reason=error.reason, detail=str(error))
            return _quarantine(body, error)
        except Backpressure as error:
            record_error(error)
            log.info("push_backpressure", subscription=subscription, reason=error.reason)
            return Response(status=429, headers={"Retry-After": f"{max(1, round(error.retry_after_s))}"})
        except Retryable as error:
            record_error(error)
            log.warning("push_retryable", subscription=subscription, reason=error.reason, detail=str(error))
            return Response(status=503)
        except Exception as error:
            record_error(error)
            log.exception("push_failed", subscription=subscription, error_type=type(error).__name__)
            return Response(status=500)

    def _deliver(headers: Headers, body: bytes, subscription: str) -> Response:
        raw_handler = raw_handlers.get(subscription)
        own = raw_handler.attributes if raw_handler else _NO_HEADERS
        # Headers are looked at one by one where the message is in them, and where not that would cost more than reading the body.
        pushed = parse_push(dict(headers) if _IS_UNWRAPPED in headers else {}, body, own)
        attributes = pushed.message.attributes
        _continue_trace(pushed, subscription)
        bind_contextvars(
            event_id=attributes.get("ce-id", ""),
            message_id=pushed.message_id,
            subscription=subscription,
        )
        if raw_handler is not None:
            raw_handler.handle(pushed)
            return Response(status=204)
        event = from_message(pushed.message)
        bind_contextvars(**{key: getattr(event, key) for key in ID_KEYS if hasattr(event, key)})
        responsible = dead_letters if dead_letters is not None and subscription == DEAD_LETTERS else handlers
        handler = responsible.get(type(event))
        if handler is None:
            log.debug("event_without_handler", event_type=event.TYPE)
            return Response(status=204)
        before = _in_hand.set(pushed)
        try:
            handler(event)
        finally:
            _in_hand.reset(before)
        return Response(status=204)

    def _quarantine(body: bytes, error: Permanent) -> Response:
        try:
            quarantine(body, error)
        except Retryable as failed:
            log.warning("quarantine_unavailable", reason=failed.reason)
            return Response(status=503)
        return Response(status=204)

    return routes
