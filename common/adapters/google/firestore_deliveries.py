"""The `DeliveryStore` port over Firestore: `deliveries/{tenant}:{receiver}:{hash of the subject}`.

Every query needs one field alone, and that field is there only while a delivery belongs to its answer: `due_as` (tenant, receiver and
time in one string that sorts as they do) while there is something to do, `expires_ms` once it has ended. `expires_at` says that once
more, for Firestore, which deletes by it too (`common/firestore_indexes.json`): the sweep alone falls behind where much is delivered. No
transactions: `create` and the precondition `last_update_time` decide between writers.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from common.adapters.google.firestore_calls import FIRESTORE, TIMEOUT_S, check, once
from common.adapters.google.google_errors import translated
from common.errors import Retryable
from common.ports.delivery_store import Change, Delivery

MAX_RACES: Final = 10
DELETED_AT_ONCE: Final = 300
"""Documents in one commit; Firestore takes 500."""
_BEHIND_ALL_TIMES: Final = "~"
_NEITHER: Final = dict.fromkeys(("due_as", "expires_ms", "expires_at"), firestore.DELETE_FIELD)
"""Neither to be done nor to be forgotten."""
_DELIVERY: Final = msgspec.json.Decoder(Delivery)


class FirestoreDeliveryStore:
    """Deliveries of all tenants. Safe to use from many threads."""

    def __init__(self, client: firestore.Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._deliveries: Any = client.collection("deliveries")
        self._timeout_s = timeout_s
        self._once = once(timeout_s)

    def change(self, tenant: str, receiver: str, subject: str, change: Change) -> Delivery | None:
        """Replace a delivery by what `change` makes of it, asked again where another writer was faster."""
        document = self._document(tenant, receiver, subject)
        with translated(FIRESTORE):
            for _ in range(MAX_RACES):
                stored = document.get(**self._once)
                found = _delivery(stored) if stored.exists else None
                changed = change(found)
                if changed is None or changed == found:
                    return found
                try:
                    if found is None:
                        document.create(_fields(changed), **self._once)
                    else:
                        unchanged = self._client.write_option(last_update_time=stored.update_time)
                        document.update(_NEITHER | _fields(changed), option=unchanged, **self._once)
                except (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound):
                    continue
                return changed
        raise Retryable("other writers were always faster", reason="firestore_contended")

    def get(self, tenant: str, receiver: str, subject: str) -> Delivery | None:
        """One delivery, or None."""
        with translated(FIRESTORE):
            found = self._document(tenant, receiver, subject).get(**self._once)
        return _delivery(found) if found.exists else None

    def due(self, tenant: str, receiver: str, now_ms: int, *, limit: int) -> list[Delivery]:
        """A receiver's deliveries that are due, the one due longest first."""
        query = (
            self._deliveries.where(filter=FieldFilter("due_as", ">=", _due_as(tenant, receiver, 0)))
            .where(filter=FieldFilter("due_as", "<=", _due_as(tenant, receiver, now_ms)))
            .order_by("due_as")
        )
        with translated(FIRESTORE):
            return [_delivery(each) for each in query.limit(limit).get(**self._once)]

    def receivers_due(self, now_ms: int, *, limit: int) -> list[Delivery]:
        """Of each receiver that has something due: what is due longest. One query for each receiver that waits for anything."""
        found: list[Delivery] = []
        query = self._deliveries.order_by("due_as").limit(1)
        first = query
        with translated(FIRESTORE):
            while len(found) < limit and (next_one := list(first.get(**self._once))):
                delivery = _delivery(next_one[0])
                if delivery.due_ms is not None and delivery.due_ms <= now_ms:
                    found.append(delivery)
                behind = f"{delivery.tenant}/{delivery.receiver}/{_BEHIND_ALL_TIMES}"
                first = query.where(filter=FieldFilter("due_as", ">", behind))
        return found

    def forget_expired(self, now_ms: int, *, limit: int) -> int:
        """Remove deliveries whose time has come, at most `limit`."""
        query = self._deliveries.where(filter=FieldFilter("expires_ms", "<=", now_ms)).order_by("expires_ms")
        return self._delete_some(query.limit(min(limit, DELETED_AT_ONCE)))

    def forget_receiver(self, tenant: str, receiver: str) -> None:
        """Remove all deliveries of a receiver."""
        query = self._deliveries.where(filter=FieldFilter("receiver", "==", f"{tenant}/{receiver}"))
        while self._delete_some(query.limit(DELETED_AT_ONCE)):
            pass

    def check(self) -> None:
        """Raise `Retryable` when Firestore does not answer."""
        check(self._client, self._timeout_s)

    def _delete_some(self, query: Any) -> int:
        with translated(FIRESTORE):
            found = list(query.select(()).get(**self._once))
            if found:
                batch = self._client.batch()
                for each in found:
                    batch.delete(each.reference)
                batch.commit(**self._once)
        return len(found)

    def _document(self, tenant: str, receiver: str, subject: str) -> Any:
        digest = hashlib.sha256(subject.encode()).hexdigest()[:32]
        return self._deliveries.document(f"{tenant}:{receiver}:{digest}")


def _due_as(tenant: str, receiver: str, due_ms: int) -> str:
    return f"{tenant}/{receiver}/{max(due_ms, 0):015d}"


def _fields(delivery: Delivery) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "receiver": f"{delivery.tenant}/{delivery.receiver}",
        "delivery": msgspec.json.encode(delivery).decode(),
    }
    if delivery.due_ms is not None:
        fields["due_as"] = _due_as(delivery.tenant, delivery.receiver, delivery.due_ms)
    if delivery.expires_ms is not None:
        fields["expires_ms"] = delivery.expires_ms
        fields["expires_at"] = datetime.fromtimestamp(delivery.expires_ms / 1000, UTC)
    return fields


def _delivery(document: Any) -> Delivery:
    return _DELIVERY.decode(document.to_dict()["delivery"])
