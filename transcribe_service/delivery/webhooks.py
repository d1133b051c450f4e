"""Making and changing webhooks: what `/v1/webhooks` decides."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from common.clock import iso_utc
from common.ports.webhook_store import Webhook, WebhookStore
from common.problems import Problem
from transcribe_service.delivery.addresses import MAX_URL_LENGTH, Lookup, UrlRefused, addresses_of, target_of
from transcribe_service.delivery.receivers import COMPLETED, SEGMENT
from transcribe_service.delivery.signatures import OLD_SECRET_MS
from transcribe_service.delivery.webhook_health import BY_HAND, disabled, enabled

MOST: Final = 20
"""Webhooks of one tenant: each costs a request for each segment."""
EventType = Literal["transcript.segment", "meeting.completed"]
Events = Annotated[tuple[EventType, ...], Meta(min_length=1, max_length=2)]
Url = Annotated[str, Meta(min_length=1, max_length=MAX_URL_LENGTH)]
ALL: Final[tuple[EventType, ...]] = (SEGMENT, COMPLETED)


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to make."""

    url: Url
    """Where messages are posted: https, on the public Internet."""
    events: Events = ALL
    """Types of the messages that it gets."""
    provisional: bool = False
    """Whether it gets live revisions of segments too."""


class WebhookPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be otherwise; what is left out stays."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    provisional: bool | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class ShownWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook, without its secret."""

    id: str
    url: str
    events: tuple[str, ...]
    provisional: bool
    enabled: bool
    disabled_because: str
    """Where it is not enabled: `by_hand`, `gone` (it answered 410) or `failing` (it took nothing for days)."""
    failing_since: str | None
    """Its first failure since it last took something, ISO 8601."""
    created_at: str
    """ISO 8601."""


class WebhookWithSecret(ShownWebhook, frozen=True, kw_only=True):
    """A webhook with its secret, which is told this once."""

    secret: str
    """`whsec_` and base64: the key of the signatures."""


class WebhookList(msgspec.Struct, frozen=True):
    """A tenant's webhooks."""

    webhooks: tuple[ShownWebhook, ...]


class PingResult(msgspec.Struct, frozen=True, kw_only=True):
    """How the attempt ended."""

    delivered: bool
    reason: str
    """Why it was not delivered, e.g. `http_404`, `timeout`; empty where it was."""


def refuse_url(url: str, *, allow_private: bool, lookup: Lookup) -> None:
    """Raise a 400 `Problem` where no webhook may have this URL."""
    try:
        addresses_of(target_of(url, plain=allow_private), allow_private=allow_private, lookup=lookup)
    except UrlRefused as error:
        kind = error.reason.replace("_", "-")
        if allow_private and error.reason == "unknown_host":
            return  # it may be known by the time that something is sent
        raise Problem(400, kind, f"The webhook's url {error}.", field="url") from None


def create(
    store: WebhookStore, tenant: str, wanted: NewWebhook, *, webhook_id: str, secret: str, now_ms: int
) -> Webhook:
    """Make a webhook. Raises a 409 `Problem` where there are as many as there may be."""
    if len(store.of_tenant(tenant)) >= MOST:
        raise Problem(409, "too-many-webhooks", f"A tenant has {MOST} webhooks at most; delete one first.")
    webhook = Webhook(
        tenant=tenant,
        webhook_id=webhook_id,
        url=wanted.url,
        events=tuple(dict.fromkeys(wanted.events)),
        provisional=wanted.provisional,
        created_at_ms=now_ms,
        secret=secret,
    )
    store.create(webhook)
    return webhook


def patched(webhook: Webhook, patch: WebhookPatch) -> Webhook:
    """`webhook` as the patch has it. Pure."""
    said = {name: value for name in ("url", "events", "provisional") if (value := getattr(patch, name)) is not UNSET}
    changed = msgspec.structs.replace(webhook, **said)
    if patch.enabled is UNSET or patch.enabled == webhook.enabled:
        return changed
    return enabled(changed) if patch.enabled else disabled(changed, BY_HAND)


def with_new_secret(webhook: Webhook, secret: str, now_ms: int) -> Webhook:
    """The secret so far signs for another day, so that the receiver can change its own meanwhile. Pure."""
    return msgspec.structs.replace(
        webhook, secret=secret, previous_secret=webhook.secret, previous_until_ms=now_ms + OLD_SECRET_MS
    )


def shown(webhook: Webhook) -> ShownWebhook:
    """What anybody with the scope admin may see. Pure."""
    failing_ms = webhook.failing_since_ms
    return ShownWebhook(
        id=webhook.webhook_id,
        url=webhook.url,
        events=webhook.events,
        provisional=webhook.provisional,
        enabled=webhook.enabled,
        disabled_because=webhook.disabled_because,
        failing_since=None if failing_ms is None else iso_utc(failing_ms),
        created_at=iso_utc(webhook.created_at_ms),
    )


def shown_with_secret(webhook: Webhook) -> WebhookWithSecret:
    """The same, and the secret. Pure."""
    return WebhookWithSecret(**msgspec.structs.asdict(shown(webhook)), secret=webhook.secret)
