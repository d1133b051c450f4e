"""The two kinds of receivers: what each is sent, and how its answer is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from common.clock import Clock
from common.ports.delivery_store import Delivery
from common.ports.webhook_store import Webhook, WebhookStore
from common.settings import Secret
from transcribe_service.delivery.content import Content, NothingToSay
from transcribe_service.delivery.engine_messages import engine_body, engine_url
from transcribe_service.delivery.outcomes import Outcome, of_engine, of_webhook, retry_after_s
from transcribe_service.delivery.post import Poster, PostFailed
from transcribe_service.delivery.receivers import COMPLETED, SEGMENT
from transcribe_service.delivery.signatures import signed_headers
from transcribe_service.delivery.webhook_health import GONE
from transcribe_service.delivery.webhook_messages import completed_body, segment_body

USER_AGENT: Final = {"User-Agent": "turnscribe-delivery"}
DISABLED: Final = "webhook_disabled"
"""Why nothing is sent to a webhook that may be enabled again: what it misses is kept as dead letters."""
_NOT_HANGING: Final = frozenset({"private_address", "not_https", "invalid_url"})
Send = Callable[[], Outcome]
"""One attempt."""


class Sender(Protocol):
    """A kind of receiver."""

    def prepare(self, delivery: Delivery) -> Send:
        """Everything but the attempt itself. Raises `NothingToSay`, or `Retryable` where a store is down: then no attempt was made."""
        ...


@dataclass(frozen=True)
class EngineSender:
    """The Engine API, which the operator trusts: it may be anywhere, and may speak plain HTTP."""

    base_url: str
    token: Secret
    content: Content
    poster: Poster
    clock: Clock

    def prepare(self, delivery: Delivery) -> Send:
        """See `Sender`."""
        if not self.base_url:
            raise NothingToSay("receiver_gone")
        said = self.content.segment(delivery)
        url = engine_url(self.base_url, said.source, delivery.meeting_id)
        body = engine_body(said, delivery.happened_at_ms)
        headers = {"Authorization": f"Bearer {self.token.reveal()}"} if self.token else {}
        return lambda: attempt(self.poster, self.clock, of_engine, url, headers, body)


@dataclass(frozen=True)
class WebhookSender:
    """Webhooks, whose addresses anybody may choose."""

    webhooks: WebhookStore
    content: Content
    poster: Poster
    clock: Clock

    def prepare(self, delivery: Delivery) -> Send:
        """See `Sender`."""
        webhook = self.webhooks.get(delivery.tenant, delivery.receiver)
        if webhook is None or webhook.disabled_because == GONE:
            raise NothingToSay("receiver_gone")
        if not webhook.enabled:
            raise NothingToSay(DISABLED)
        body = self._body(delivery)
        return lambda: self.send(webhook, delivery.message_id, body)

    def send(self, webhook: Webhook, message_id: str, body: bytes) -> Outcome:
        """One attempt, signed now."""
        headers = signed_headers(webhook, message_id, self.clock.now_ms(), body)
        return attempt(self.poster, self.clock, of_webhook, webhook.url, headers, body)

    def _body(self, delivery: Delivery) -> bytes:
        if delivery.type == SEGMENT:
            return segment_body(self.content.segment(delivery), delivery.meeting_id, delivery.happened_at_ms)
        if delivery.type == COMPLETED:
            return completed_body(self.content.meeting(delivery), delivery.happened_at_ms)
        raise NothingToSay("unknown_type")


def attempt(
    poster: Poster,
    clock: Clock,
    meaning: Callable[[int, float], Outcome],
    url: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Outcome:
    """Post once; whatever happens is an outcome."""
    try:
        posted = poster.post(url, {**USER_AGENT, **headers}, body)
    except PostFailed as error:
        return Outcome("failed", error.reason, rests=error.reason not in _NOT_HANGING)
    return meaning(posted.status, retry_after_s(posted.retry_after, clock.now_ms()))
