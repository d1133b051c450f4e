"""Managing a tenant's webhooks from the SDK: `client.webhooks`. The client's own token needs the scope admin.

Who receives them needs `turnscribe.webhooks` alone.
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from turnscribe.transport import Transport

_WEBHOOKS: Final = "/v1/webhooks"
_JSON: Final = {"Content-Type": "application/json"}


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver of a tenant's transcripts."""

    id: str
    url: str
    events: tuple[str, ...]
    """Of transcript.segment, meeting.completed."""
    provisional: bool = False
    """Whether it gets live revisions of segments too."""
    enabled: bool
    disabled_because: str = ""
    """Where it is not enabled: `by_hand`, `gone` (it answered 410) or `failing` (it took nothing for days)."""
    failing_since: str | None = None
    """Its first failure since it last took something, ISO 8601."""
    created_at: str = ""
    """ISO 8601."""


class WebhookWithSecret(Webhook, frozen=True, kw_only=True):
    """A webhook with a secret that is told this once."""

    secret: str


class PingResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a ping ended."""

    delivered: bool
    reason: str = ""
    """Why it was not delivered, e.g. `http_404`, `timeout`."""


class _WebhookList(msgspec.Struct, frozen=True):
    webhooks: tuple[Webhook, ...]


class Webhooks:
    """The webhooks of the client's tenant. Methods that name one raise `NotFound`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, url: str, *, events: Iterable[str] | None = None, provisional: bool = False) -> WebhookWithSecret:
        """Have transcripts sent to `url`; without `events`, everything. Raises `BadRequest` where the URL may not be, `Conflict` where
        there are too many. Where the answer is lost and the request repeated, there is one more, whose secret nobody knows."""
        wanted: dict[str, Any] = {"url": url, "provisional": provisional}
        if events is not None:
            wanted["events"] = list(events)
        return self._transport.request("POST", _WEBHOOKS, body=msgspec.json.encode(wanted), headers=_JSON).decoded(
            WebhookWithSecret
        )

    def list(self) -> tuple[Webhook, ...]:
        """All of them, in the order in which they were made."""
        return self._transport.request("GET", _WEBHOOKS).decoded(_WebhookList).webhooks

    def get(self, webhook_id: str) -> Webhook:
        """One of them."""
        return self._transport.request("GET", _path(webhook_id)).decoded(Webhook)

    def change(self, webhook_id: str, **said: Any) -> Webhook:
        """Change `url`, `events`, `provisional` or `enabled`; what is not said stays."""
        body = msgspec.json.encode(said)
        return self._transport.request("PATCH", _path(webhook_id), body=body, headers=_JSON).decoded(Webhook)

    def rotate_secret(self, webhook_id: str) -> WebhookWithSecret:
        """A new secret; for a day, messages are signed with the old one too."""
        return self._transport.request("POST", f"{_path(webhook_id)}/secret").decoded(WebhookWithSecret)

    def delete(self, webhook_id: str) -> None:
        """Send nothing more to it, not even what it waits for."""
        self._transport.request("DELETE", _path(webhook_id))

    def test(self, webhook_id: str) -> PingResult:
        """Send it a ping, once."""
        return self._transport.request("POST", f"{_path(webhook_id)}/test").decoded(PingResult)


def _path(webhook_id: str) -> str:
    return f"{_WEBHOOKS}/{quote(webhook_id, safe='')}"
