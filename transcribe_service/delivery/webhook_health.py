"""How webhooks bear up: one that says 410, or takes nothing for days, is disabled with the reason."""

from dataclasses import dataclass
from typing import Final

import msgspec

from common.clock import Clock
from common.logs import get_logger
from common.ports.webhook_store import Webhook, WebhookStore
from transcribe_service.delivery.receivers import Receivers

log = get_logger(__name__)
BY_HAND: Final = "by_hand"
GONE: Final = "gone"
FAILING: Final = "failing"
FAILING_MS: Final = 3 * 86_400_000
GIVEN_UP: Final = 3
"""A webhook that took nothing for FAILING_MS is disabled when so many messages have used up all of their attempts."""
_replaced = msgspec.structs.replace


@dataclass(frozen=True)
class WebhookHealth:
    """Keeps it in the store, and writes only where something changes. All methods raise `Retryable`."""

    webhooks: WebhookStore
    receivers: Receivers
    clock: Clock

    def took(self, tenant: str, webhook_id: str) -> None:
        """It took a message."""
        webhook = self.webhooks.get(tenant, webhook_id)
        if webhook is not None and well(webhook) != webhook:
            self.webhooks.change(tenant, webhook_id, well)

    def failed(self, tenant: str, webhook_id: str) -> None:
        """An attempt failed."""
        now_ms = self.clock.now_ms()
        webhook = self.webhooks.get(tenant, webhook_id)
        if webhook is not None and webhook.failing_since_ms is None:
            self.webhooks.change(tenant, webhook_id, lambda each: failing(each, now_ms))

    def gave_up(self, tenant: str, webhook_id: str) -> None:
        """A message has used up its attempts."""
        now_ms = self.clock.now_ms()
        self._tell(self.webhooks.change(tenant, webhook_id, lambda each: given_up(each, now_ms)), FAILING)

    def gone(self, tenant: str, webhook_id: str) -> None:
        """It said 410."""
        self._tell(self.webhooks.change(tenant, webhook_id, lambda each: disabled(each, GONE)), GONE)

    def _tell(self, webhook: Webhook | None, why: str) -> None:
        if webhook is not None and not webhook.enabled:
            log.warning("webhook_disabled", webhook_id=webhook.webhook_id, reason=why)
            self.receivers.forget(webhook.tenant)


def well(webhook: Webhook) -> Webhook:
    """Nothing is wrong with it. Pure."""
    return _replaced(webhook, failing_since_ms=None, given_up=0)


def failing(webhook: Webhook, now_ms: int) -> Webhook:
    """It has been failing since now, unless it has for longer. Pure."""
    return webhook if webhook.failing_since_ms is not None else _replaced(webhook, failing_since_ms=now_ms)


def given_up(webhook: Webhook, now_ms: int) -> Webhook:
    """One more message was given up; disabled where that has been so for long. Pure."""
    counted = _replaced(failing(webhook, now_ms), given_up=webhook.given_up + 1)
    since_ms = counted.failing_since_ms if counted.failing_since_ms is not None else now_ms
    if counted.given_up >= GIVEN_UP and now_ms - since_ms >= FAILING_MS:
        return disabled(counted, FAILING)
    return counted


def disabled(webhook: Webhook, because: str) -> Webhook:
    """It gets nothing more; why it was disabled first stays. Pure."""
    return _replaced(webhook, enabled=False, disabled_because=webhook.disabled_because or because)


def enabled(webhook: Webhook) -> Webhook:
    """It gets messages again, and begins anew. Pure."""
    return _replaced(well(webhook), enabled=True, disabled_because="")
