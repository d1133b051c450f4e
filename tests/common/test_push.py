import base64
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Backpressure, Permanent, Retryable
from common.events import Event, Message, StreamEnded, TranscriptUpdated, to_message
from common.health import Drain
from common.push import Pushed, SharedTokenAuth, event_time_ms, parse_push, push_blueprint
from common.settings import Secret
from common.trace import current_traceparent
from common.web import base_app
from tests.common.example_events import EVENTS

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
ENDED = StreamEnded(tenant="t", meeting_id="m", connection_id="c", last_seq=3, object_name="o")
UPDATED = TranscriptUpdated(tenant="t", meeting_id="m", connection_id="c", segment_id="s", revision=0, final=True)
AUTHORIZED = {"Authorization": "Bearer push"}


def message_of(event: Event) -> Message:
    return to_message(event, source="/turnscribe/test", now_ms=1_700_000_000_000, traceparent=TRACEPARENT)


def wrapped(message: Message, **envelope: Any) -> bytes:
    inner = {
        "data": base64.b64encode(message.data).decode(),
        "attributes": message.attributes,
        "messageId": "42",
        "publishTime": "2023-11-14T22:13:20Z",
    }
    return json.dumps({"message": inner, "subscription": "sub", **envelope}).encode()


def unwrapped(message: Message) -> dict[str, str]:
    attributes = {key.title(): value for key, value in message.attributes.items()}
    return {**attributes, "X-Goog-Pubsub-Message-Id": "42", "X-Goog-Pubsub-Subscription-Name": "sub"}


def test_what_a_delivery_says_about_itself() -> None:
    message = message_of(ENDED)
    pushed = parse_push({}, wrapped(message, deliveryAttempt=4))
    assert (pushed.message_id, pushed.subscription, pushed.delivery_attempt) == ("42", "sub", 4)
    assert parse_push({}, wrapped(message)).delivery_attempt == 1
    headers = {**unwrapped(message), "x-goog-pubsub-delivery-attempt": "4"}
    assert parse_push(headers, message.data).delivery_attempt == 4


@given(EVENTS)
def test_both_forms_say_the_same(event: Event) -> None:
    message = message_of(event)
    one, other = parse_push({}, wrapped(message)), parse_push(unwrapped(message), message.data)
    assert one.message.data == other.message.data == message.data
    events_own = {key: value for key, value in message.attributes.items() if key.startswith("ce-")}
    assert {key: one.message.attributes[key] for key in events_own} == events_own
    assert other.message.attributes == events_own
    assert (one.message_id, one.subscription) == (other.message_id, other.subscription)


def test_an_unwrapped_dead_letter_keeps_what_pub_sub_says_of_its_source() -> None:
    headers = {**unwrapped(message_of(ENDED)), "Cloudpubsubdeadlettersourcedeliverycount": "5"}
    attributes = parse_push(headers, b"").message.attributes
    assert attributes["cloudpubsubdeadlettersourcedeliverycount"] == "5"


BROKEN = [
    b"",
    b"{",
    b"[]",
    b"{}",
    b"\xff",
    b'{"message":null}',
    b'{"message":{"data":7}}',
    b'{"message":{"data":"%%%"}}',
    b'{"message":{"data":"YQ"}}',
    '{"message":{"data":"ä"}}'.encode(),
    b'{"message":{"data":"\xff"}}',
    b'{"message":{"attributes":{"a":1}}}',
    b'{"x":' + b"[" * 100_000,
]


@pytest.mark.parametrize("body", BROKEN)
def test_what_is_no_envelope_is_permanent(body: bytes) -> None:
    with pytest.raises(Permanent) as caught:
        parse_push({}, body)
    assert caught.value.reason == "invalid_envelope"


@given(st.binary(max_size=60))
def test_no_bytes_are_a_failure_of_ours(body: bytes) -> None:
    with pytest.raises(Permanent):
        parse_push({}, body)


class Receiver:
    """A service that does as it is told with stream ends, and keeps what it quarantines."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.quarantine_error: Exception | None = None
        self.handled: list[Event] = []
        self.seen: list[tuple[str, int | None]] = []
        self.quarantined: list[tuple[bytes, str]] = []
        app: Flask = base_app("test", {}, Drain())
        self.raw: list[Pushed] = []
        self.attributes = frozenset({"connection-id"})
        app.register_blueprint(
            push_blueprint({StreamEnded: self._handle}, self._quarantine, auth(), raw={"others": self})
        )
        self.client: FlaskClient = app.test_client()

    def _handle(self, event: Event) -> None:
        self.seen.append((current_traceparent(), event_time_ms()))
        if self.error:
            raise self.error
        self.handled.append(event)

    def handle(self, pushed: Pushed) -> None:
        if self.error:
            raise self.error
        self.raw.append(pushed)

    def _quarantine(self, body: bytes, error: Permanent) -> None:
        if self.quarantine_error:
            raise self.quarantine_error
        self.quarantined.append((body, error.reason))

    def push(self, body: bytes, headers: Mapping[str, str] = AUTHORIZED, to: str = "sub") -> int:
        return self.client.post(f"/push/{to}", data=body, headers=dict(headers)).status_code


def auth() -> SharedTokenAuth:
    return SharedTokenAuth(Secret("push"))


def test_a_handled_event_is_acknowledged() -> None:
    receiver = Receiver()
    message = message_of(ENDED)
    assert receiver.push(wrapped(message)) == 204
    assert receiver.push(message.data, {**unwrapped(message), **AUTHORIZED}) == 204
    assert receiver.handled == [ENDED, ENDED]
    assert [seen[1] for seen in receiver.seen] == [1_700_000_000_000] * 2
    assert all(seen[0].startswith(f"00-{'a' * 32}-") for seen in receiver.seen)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Retryable("down", reason="down"), 503),
        (Backpressure("full", reason="full", retry_after_s=7.2), 429),
        (Permanent("bad", reason="bad"), 204),
        (ZeroDivisionError(), 500),
    ],
)
@pytest.mark.parametrize("to", ["sub", "others"])
def test_each_class_of_failure_has_its_status(error: Exception, status: int, to: str) -> None:
    receiver = Receiver()
    receiver.error = error
    body = wrapped(message_of(ENDED))
    answer = receiver.client.post(f"/push/{to}", data=body, headers=AUTHORIZED)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert receiver.quarantined == ([(body, "bad")] if status == 204 else [])


@pytest.mark.parametrize("body", BROKEN)
def test_a_poison_message_is_quarantined_and_acknowledged(body: bytes) -> None:
    receiver = Receiver()
    assert receiver.push(body) == 204
    assert receiver.quarantined == [(body, "invalid_envelope")]


def test_a_push_that_breaks_off_is_no_poison_message_and_comes_again() -> None:
    receiver = Receiver()
    body = wrapped(message_of(ENDED))
    environ = {"wsgi.input": io.BytesIO(body[:40]), "wsgi.input_terminated": True, "CONTENT_LENGTH": str(len(body))}
    answer = receiver.client.post("/push/sub", environ_overrides=environ, headers=AUTHORIZED)
    assert answer.status_code == 400
    assert (receiver.handled, receiver.quarantined) == ([], [])


def test_an_event_that_cannot_be_quarantined_comes_again() -> None:
    receiver = Receiver()
    receiver.quarantine_error = Retryable("down", reason="store_down")
    assert receiver.push(b"{}") == 503


def test_an_event_that_nobody_wants_is_acknowledged() -> None:
    receiver = Receiver()
    other = to_message(UPDATED, source="/x", now_ms=0)
    assert receiver.push(wrapped(other)) == 204
    assert (receiver.handled, receiver.quarantined) == ([], [])


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "push"}])
def test_who_is_not_the_push_service_gets_401(headers: dict[str, str]) -> None:
    receiver = Receiver()
    assert receiver.push(wrapped(message_of(ENDED)), headers) == 401
    assert receiver.push(b"{}", headers) == 401
    assert (receiver.handled, receiver.quarantined) == ([], [])


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer "])
def test_without_a_token_nobody_is_allowed(header: str) -> None:
    app = Flask("test")
    with app.test_request_context(headers={"Authorization": header}):
        assert not SharedTokenAuth(Secret()).allows(request)


def test_what_is_no_event_of_ours_goes_to_its_subscription_s_handler_as_it_came() -> None:
    receiver = Receiver()
    message = Message(b"\x00\xff", {"connection-id": "c1", "own": "x"})
    assert receiver.push(wrapped(message), to="others") == 204
    unwrapped_headers = {"X-Goog-Pubsub-Message-Id": "42", "Connection-Id": "c1", "Own": "x", **AUTHORIZED}
    assert receiver.push(message.data, unwrapped_headers, to="others") == 204
    one, other = receiver.raw
    assert one.message == message
    assert one.published_ms == 1_700_000_000_000
    assert other.message == Message(message.data, {"connection-id": "c1"}), "no header that nobody asked for"
    assert (receiver.handled, receiver.quarantined) == ([], [])


def test_an_event_is_none_where_others_publish_and_the_other_way_round() -> None:
    receiver = Receiver()
    assert receiver.push(wrapped(message_of(ENDED)), to="others") == 204
    assert (receiver.handled, len(receiver.raw)) == ([], 1)
    assert receiver.push(wrapped(Message(b"x", {"connection-id": "c1"}))) == 204
    assert [reason for _, reason in receiver.quarantined] == ["not_a_cloudevent"]
