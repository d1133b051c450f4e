"""Tenants' webhooks."""

from collections.abc import Callable

from common.ports.webhook_store import Webhook, WebhookStore
from tests.memory_ports.faults import Faults


class FakeWebhooks(WebhookStore):
    def __init__(self, *webhooks: Webhook) -> None:
        self.stored = {(each.tenant, each.webhook_id): each for each in webhooks}
        self.faults = Faults()

    def create(self, webhook: Webhook) -> None:
        self.faults.strike_before()
        self.stored.setdefault((webhook.tenant, webhook.webhook_id), webhook)
        self.faults.strike_after()

    def get(self, tenant: str, webhook_id: str) -> Webhook | None:
        self.faults.strike_before()
        return self.stored.get((tenant, webhook_id))

    def of_tenant(self, tenant: str) -> list[Webhook]:
        self.faults.strike_before()
        own = [each for each in self.stored.values() if each.tenant == tenant]
        return sorted(own, key=lambda each: (each.created_at_ms, each.webhook_id))

    def change(self, tenant: str, webhook_id: str, change: Callable[[Webhook], Webhook]) -> Webhook | None:
        self.faults.strike_before()
        if (tenant, webhook_id) not in self.stored:
            return None
        changed = self.stored[tenant, webhook_id] = change(self.stored[tenant, webhook_id])
        self.faults.strike_after()
        return changed

    def delete(self, tenant: str, webhook_id: str) -> None:
        self.faults.strike_before()
        self.stored.pop((tenant, webhook_id), None)
        self.faults.strike_after()

    def check(self) -> None:
        self.faults.strike_before()
