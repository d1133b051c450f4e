"""The `WebhookStore` port over Firestore: `webhooks/{tenant}:{webhook}`. The one query asks for the field `tenant` alone."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from common.adapters.google.firestore_calls import FIRESTORE, TIMEOUT_S, check, once
from common.adapters.google.google_errors import translated
from common.errors import Retryable
from common.ports.webhook_store import Webhook

MAX_RACES: Final = 10
_WEBHOOK: Final = msgspec.json.Decoder(Webhook)


class FirestoreWebhookStore:
    """Webhooks of all tenants. Safe to use from many threads."""

    def __init__(self, client: firestore.Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._webhooks: Any = client.collection("webhooks")
        self._timeout_s = timeout_s
        self._once = once(timeout_s)

    def create(self, webhook: Webhook) -> None:
        """Store a webhook; one that is there already stays as it is."""
        fields = {"tenant": webhook.tenant, "webhook": _encoded(webhook)}
        with translated(FIRESTORE):
            try:
                self._document(webhook.tenant, webhook.webhook_id).create(fields, **self._once)
            except exceptions.AlreadyExists:
                return

    def get(self, tenant: str, webhook_id: str) -> Webhook | None:
        """A tenant's webhook, or None."""
        with translated(FIRESTORE):
            found = self._document(tenant, webhook_id).get(**self._once)
        return _webhook(found) if found.exists else None

    def of_tenant(self, tenant: str) -> list[Webhook]:
        """All webhooks of a tenant, in the order in which they were created, then by id."""
        query = self._webhooks.where(filter=FieldFilter("tenant", "==", tenant))
        with translated(FIRESTORE):
            found = [_webhook(each) for each in query.get(**self._once)]
        return sorted(found, key=lambda each: (each.created_at_ms, each.webhook_id))

    def change(self, tenant: str, webhook_id: str, change: Callable[[Webhook], Webhook]) -> Webhook | None:
        """Replace a webhook by what `change` makes of it, asked again where another writer was faster. None when there is none."""
        document = self._document(tenant, webhook_id)
        with translated(FIRESTORE):
            for _ in range(MAX_RACES):
                found = document.get(**self._once)
                if not found.exists:
                    return None
                changed = change(_webhook(found))
                unchanged = self._client.write_option(last_update_time=found.update_time)
                try:
                    document.update({"webhook": _encoded(changed)}, option=unchanged, **self._once)
                except (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound):
                    continue
                return changed
        raise Retryable("other writers were always faster", reason="firestore_contended")

    def delete(self, tenant: str, webhook_id: str) -> None:
        """Forget a webhook; forgetting what is not there is no error."""
        with translated(FIRESTORE):
            self._document(tenant, webhook_id).delete(**self._once)

    def check(self) -> None:
        """Raise `Retryable` when Firestore does not answer."""
        check(self._client, self._timeout_s)

    def _document(self, tenant: str, webhook_id: str) -> Any:
        return self._webhooks.document(f"{tenant}:{webhook_id}")


def _encoded(webhook: Webhook) -> str:
    return msgspec.json.encode(webhook).decode()


def _webhook(document: Any) -> Webhook:
    return _WEBHOOK.decode(document.to_dict()["webhook"])
