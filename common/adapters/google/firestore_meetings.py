"""The `MeetingStore` port over Firestore: `tenants/{tenant}/meetings/{meeting}`.

A tenant's meetings are a collection of its own, so its queries need the one field `age` alone: `opened_at_ms` and the id in one
string that sorts as both do. No transactions: the precondition `last_update_time` decides between writers.
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
from common.ports.meeting_store import Cursor, Meeting

MAX_RACES: Final = 10
_MEETING: Final = msgspec.json.Decoder(Meeting)


class FirestoreMeetingStore:
    """Meetings of all tenants. Safe to use from many threads."""

    def __init__(self, client: firestore.Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._once = once(timeout_s)

    def open(self, tenant: str, meeting_id: str, opened_at_ms: int) -> None:
        """Make a meeting; one that is there already stays as it is."""
        meeting = Meeting(tenant=tenant, meeting_id=meeting_id, opened_at_ms=opened_at_ms)
        fields = {"age": _age(opened_at_ms, meeting_id), "meeting": _encoded(meeting)}
        with translated(FIRESTORE):
            try:
                self._meetings(tenant).document(meeting_id).create(fields, **self._once)
            except exceptions.AlreadyExists:
                return

    def get(self, tenant: str, meeting_id: str) -> Meeting | None:
        """One meeting, or None."""
        with translated(FIRESTORE):
            found = self._meetings(tenant).document(meeting_id).get(**self._once)
        return _meeting(found) if found.exists else None

    def change(self, tenant: str, meeting_id: str, change: Callable[[Meeting], Meeting]) -> Meeting | None:
        """Replace a meeting by what `change` makes of it, asked again where another writer was faster. None when there is none."""
        document = self._meetings(tenant).document(meeting_id)
        with translated(FIRESTORE):
            for _ in range(MAX_RACES):
                found = document.get(**self._once)
                if not found.exists:
                    return None
                changed = change(_meeting(found))
                unchanged = self._client.write_option(last_update_time=found.update_time)
                try:
                    document.update({"meeting": _encoded(changed)}, option=unchanged, **self._once)
                except (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound):
                    continue
                return changed
        raise Retryable("other writers were always faster", reason="firestore_contended")

    def page(self, tenant: str, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        """A tenant's meetings, the newest first, from right behind `after`."""
        newest_first = self._meetings(tenant).order_by("age", direction=firestore.Query.DESCENDING).limit(limit)
        if after is not None:
            newest_first = newest_first.start_after({"age": _age(after.opened_at_ms, after.meeting_id)})
        return self._answer(newest_first)

    def opened_before(self, tenant: str, at_ms: int, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        """A tenant's meetings that were opened before `at_ms`, the oldest first, from right behind `after`."""
        older = FieldFilter("age", "<", _age(at_ms, ""))
        oldest_first = self._meetings(tenant).where(filter=older).order_by("age").limit(limit)
        if after is not None:
            oldest_first = oldest_first.start_after({"age": _age(after.opened_at_ms, after.meeting_id)})
        return self._answer(oldest_first)

    def tenants(self) -> list[str]:
        """Every tenant that has meetings: documents that nobody wrote, listed because there is something below them."""
        with translated(FIRESTORE):
            return [each.id for each in self._client.collection("tenants").list_documents(**self._once)]

    def delete(self, tenant: str, meeting_id: str) -> None:
        """Forget a meeting; forgetting what is not there is no error."""
        with translated(FIRESTORE):
            self._meetings(tenant).document(meeting_id).delete(**self._once)

    def check(self) -> None:
        """Raise `Retryable` when Firestore does not answer."""
        check(self._client, self._timeout_s)

    def _meetings(self, tenant: str) -> Any:
        return self._client.collection("tenants", tenant, "meetings")

    def _answer(self, query: Any) -> list[Meeting]:
        with translated(FIRESTORE):
            return [_meeting(found) for found in query.get(**self._once)]


def _age(opened_at_ms: int, meeting_id: str) -> str:
    return f"{opened_at_ms:015d}/{meeting_id}"


def _encoded(meeting: Meeting) -> str:
    return msgspec.json.encode(meeting).decode()


def _meeting(document: Any) -> Meeting:
    return _MEETING.decode(document.to_dict()["meeting"])
