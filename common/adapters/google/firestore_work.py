"""The `WorkStore` port over Firestore: `work/{tenant}:{work_id}`.

The one query needs the field `due_ms` alone, which is there only while work is to be done. No transactions: the precondition
`last_update_time` decides between writers.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from common.adapters.google.firestore_calls import FIRESTORE, TIMEOUT_S, check, once
from common.adapters.google.google_errors import translated
from common.errors import Retryable
from common.ports.work_store import Work

MAX_RACES: Final = 10
_WORK: Final = msgspec.json.Decoder(Work)


class FirestoreWorkStore:
    """Work of all tenants. Safe to use from many threads."""

    def __init__(self, client: firestore.Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._work: Any = client.collection("work")
        self._timeout_s = timeout_s
        self._once = once(timeout_s)

    def add(self, work: Work) -> bool:
        """Store new work; False where there is some with its id."""
        fields = {"work": _encoded(work)} | ({} if work.due_ms is None else {"due_ms": work.due_ms})
        with translated(FIRESTORE):
            try:
                self._document(work.tenant, work.work_id).create(fields, **self._once)
            except exceptions.AlreadyExists:
                return False
        return True

    def get(self, tenant: str, work_id: str) -> Work | None:
        """One piece of work, or None."""
        with translated(FIRESTORE):
            found = self._document(tenant, work_id).get(**self._once)
        return _decoded(found) if found.exists else None

    def change(self, tenant: str, work_id: str, change: Callable[[Work], Work]) -> Work | None:
        """Replace work by what `change` makes of it, asked again where another writer was faster. None when there is none."""
        document = self._document(tenant, work_id)
        with translated(FIRESTORE):
            for _ in range(MAX_RACES):
                found = document.get(**self._once)
                if not found.exists:
                    return None
                changed = change(_decoded(found))
                due_ms = firestore.DELETE_FIELD if changed.due_ms is None else changed.due_ms
                unchanged = self._client.write_option(last_update_time=found.update_time)
                try:
                    document.update({"work": _encoded(changed), "due_ms": due_ms}, option=unchanged, **self._once)
                except (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound):
                    continue
                return changed
        raise Retryable("other writers were always faster", reason="firestore_contended")

    def due(self, *, now_ms: int, limit: int) -> list[Work]:
        """Work of all tenants that is due at `now_ms`, the one due longest first."""
        due = FieldFilter("due_ms", "<=", now_ms)
        with translated(FIRESTORE):
            query = self._work.where(filter=due).order_by("due_ms").limit(limit)
            return [_decoded(found) for found in query.get(**self._once)]

    def remove(self, tenant: str, work_id: str) -> None:
        """Forget work; forgetting what is not there is no error."""
        with translated(FIRESTORE):
            self._document(tenant, work_id).delete(**self._once)

    def check(self) -> None:
        """Raise `Retryable` when Firestore does not answer."""
        check(self._client, self._timeout_s)

    def _document(self, tenant: str, work_id: str) -> Any:
        return self._work.document(f"{tenant}:{work_id}")  # no id has a colon


def _encoded(work: Work) -> str:
    return msgspec.json.encode(work).decode()


def _decoded(document: Any) -> Work:
    return _WORK.decode(document.to_dict()["work"])
