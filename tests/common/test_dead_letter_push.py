"""The last try, as the push service sees it."""

import base64
import json

import pytest
import structlog
from flask.testing import FlaskClient

from common.dead_letter_push import last_tries
from common.dead_letters import DeadLetters
from common.errors import Backpressure, Permanent, Retryable
from common.events import Event, Message, TranscriptUpdated, to_message
from common.health import Drain
from common.push import push_blueprint
from common.push_auth import SharedTokenAuth
from common.quarantine import push_quarantine
from common.settings import Secret
from common.web import base_app
from tests.clocks import FakeClock
from tests.common.example_events import UPDATED
from tests.memory_ports import FakeBlobs

PUBLISHED_MS = 1_600_000_000_000
AUTHORIZED = {"Authorization": "Bearer push"}


class Service:
    """Handles as it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.handled: list[Event] = []
        self.blobs, self.clock = FakeBlobs(), FakeClock()
        self.dead_letters = DeadLetters(self.blobs, "raw")
        handlers = {TranscriptUpdated: self._handle}
        app = base_app("test", {}, Drain())
        app.register_blueprint(
            push_blueprint(
                handlers,
                push_quarantine(self.blobs, "raw"),
                SharedTokenAuth(Secret("push")),
                last_tries(handlers, self.dead_letters, self.clock),
            )
        )
        self.client: FlaskClient = app.test_client()

    def _handle(self, event: Event) -> None:
        if self.error:
            raise self.error
        self.handled.append(event)

    def push(self, to: str = "dead-letters", **headers: str) -> int:
        message = to_message(UPDATED, source="/test", now_ms=PUBLISHED_MS)
        return self._post(to, message, headers or AUTHORIZED)

    def _post(self, to: str, message: Message, headers: dict[str, str]) -> int:
        attributes = {**message.attributes, "CloudPubSubDeadLetterSourceDeliveryCount": "5"}
        data = base64.b64encode(message.data).decode()
        inner = {"data": data, "attributes": attributes, "messageId": "42"}
        body = json.dumps({"message": inner, "subscription": "dead"}).encode()
        return self.client.post(f"/push/{to}", data=body, headers=headers).status_code


@pytest.fixture
def service() -> Service:
    return Service()


def test_what_succeeds_now_is_healed(service: Service) -> None:
    assert service.push() == 204
    assert service.handled == [UPDATED]
    assert service.blobs.objects == {}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Retryable("down", reason="down"), "down"),
        (Backpressure("full", reason="full", retry_after_s=7), "full"),
        (ZeroDivisionError(), "internal_error"),
    ],
)
def test_what_fails_again_is_kept_with_that_reason_and_acknowledged(
    service: Service, error: Exception, reason: str
) -> None:
    service.error = error
    with structlog.testing.capture_logs() as logs:
        assert service.push() == 204
    (entry,) = service.dead_letters.page("default", limit=9).dead_letters
    assert entry.reason == reason
    assert entry.id.startswith(f"{PUBLISHED_MS:014d}-")
    _, letter = service.dead_letters.read("default", entry.id)
    assert (letter.attempts, letter.message_id, letter.subscription) == (5, "42", "dead")
    assert letter.died_at_ms == service.clock.now_ms()
    assert [(log["letter_id"], log["reason"]) for log in logs if log["event"] == "dead_letter"] == [(entry.id, reason)]


def test_what_can_never_be_handled_goes_to_quarantine(service: Service) -> None:
    service.error = Permanent("bad", reason="bad")
    assert service.push() == 204
    ((name, held),) = service.blobs.objects.items()
    assert name.startswith("raw/quarantine/")
    assert held.metadata["reason"] == "bad"


def test_what_can_not_be_kept_comes_again(service: Service) -> None:
    service.error = Retryable("down", reason="down")
    service.blobs.faults.before.append(Retryable("the bucket too", reason="bucket_down"))
    assert service.push() == 503
    assert service.blobs.objects == {}
    assert service.push() == service.push() == 204
    assert len(service.blobs.objects) == 1, "the same message is kept once"


def test_every_other_subscription_nacks_as_before(service: Service) -> None:
    service.error = Retryable("down", reason="down")
    assert service.push("transcribe") == 503
    assert service.blobs.objects == {}


def test_who_is_not_the_push_service_gets_401(service: Service) -> None:
    assert service.push(Authorization="Bearer other") == 401
    assert service.handled == []
