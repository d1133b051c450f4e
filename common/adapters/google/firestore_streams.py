"""The `StreamRegistry` port over Firestore: `streams/{tenant}:{connection}`.

Every query needs one field alone, and that field is there only while a stream belongs to its answer: `open_as` while it is open,
`due_ms` while it is closed and not settled. So no composite index is needed, and the answers cost what they contain.
"""

from typing import Any, Final

import msgspec
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from common.adapters.google.firestore_calls import FIRESTORE, TIMEOUT_S, check, once
from common.adapters.google.google_errors import translated
from common.errors import Retryable
from common.ports.stream_registry import StreamRecord, StreamSummary

_RECORD: Final = msgspec.json.Decoder(StreamRecord)
_SUMMARY: Final = msgspec.json.Decoder(StreamSummary)


class FirestoreStreamRegistry:
    """Streams of all tenants. Safe to use from many threads."""

    def __init__(self, client: firestore.Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._streams: Any = client.collection("streams")
        self._timeout_s = timeout_s
        self._once = once(timeout_s)

    def open(self, record: StreamRecord) -> None:
        """Register a stream; one that is registered already stays as it is."""
        key = _key(record.tenant, record.connection_id)
        fields = {
            "tenant": record.tenant,
            "connection_id": record.connection_id,
            "meeting": f"{record.tenant}/{record.meeting_id}",
            "opened_at_ms": record.opened_at_ms,
            "record": msgspec.json.encode(msgspec.structs.replace(record, summary=None)).decode(),
            **({"open_as": key} if record.summary is None else _account(record.summary)),
        }
        with translated(FIRESTORE):
            try:
                self._document(record.tenant, record.connection_id).create(fields, **self._once)
            except exceptions.AlreadyExists:  # and not Conflict: that is Aborted too, which has decided nothing
                return

    def close(self, tenant: str, connection_id: str, summary: StreamSummary) -> None:
        """Store the account; a later one replaces it. An account of a stream that is not registered (yet) is `Retryable`."""
        fields = {**_account(summary), "open_as": firestore.DELETE_FIELD}
        with translated(FIRESTORE):
            try:
                self._document(tenant, connection_id).update(fields, **self._once)
            except exceptions.NotFound as error:
                raise Retryable("the stream to close is not registered", reason="stream_unknown") from error

    def get(self, tenant: str, connection_id: str) -> StreamRecord | None:
        """One stream, or None."""
        with translated(FIRESTORE):
            found = self._document(tenant, connection_id).get(**self._once)
        return _stream(found) if found.exists else None

    def of_meeting(self, tenant: str, meeting_id: str) -> list[StreamRecord]:
        """All streams of a meeting, in the order in which they were opened."""
        of_meeting = FieldFilter("meeting", "==", f"{tenant}/{meeting_id}")
        found = self._answer(self._streams.where(filter=of_meeting))
        return sorted(found, key=lambda each: (each.opened_at_ms, _key(each.tenant, each.connection_id)))

    def open_streams(self, *, limit: int, start_after: str = "") -> list[StreamRecord]:
        """Streams without an account, of all tenants, by `{tenant}/{connection_id}` from after `start_after`."""
        by_key = self._streams.order_by("open_as").limit(limit)
        return self._answer(by_key.start_after({"open_as": start_after}) if start_after else by_key)

    def unsettled(self, *, due_ms: int, limit: int) -> list[StreamRecord]:
        """Closed streams that are not settled and due, the one due longest first."""
        due = FieldFilter("due_ms", "<=", due_ms)
        return self._answer(self._streams.where(filter=due).order_by("due_ms").limit(limit))

    def look_again(self, record: StreamRecord, at_ms: int | None) -> None:
        """Make the stream due at `at_ms`, or settled; nothing where it has another account than `record`."""
        document = self._document(record.tenant, record.connection_id)
        with translated(FIRESTORE):
            found = document.get(**self._once)
            if record.summary is None or not found.exists or _stream(found).summary != record.summary:
                return
            unchanged = self._client.write_option(last_update_time=found.update_time)
            fields = {"due_ms": firestore.DELETE_FIELD if at_ms is None else at_ms}
            try:
                document.update(fields, option=unchanged, **self._once)
            except (exceptions.FailedPrecondition, exceptions.NotFound):
                return  # another account came in between, and is due anew

    def check(self) -> None:
        """Raise `Retryable` when Firestore does not answer."""
        check(self._client, self._timeout_s)

    def _document(self, tenant: str, connection_id: str) -> Any:
        return self._streams.document(f"{tenant}:{connection_id}")  # no id has a colon

    def _answer(self, query: Any) -> list[StreamRecord]:
        with translated(FIRESTORE):
            return [_stream(found) for found in query.get(**self._once)]


def _key(tenant: str, connection_id: str) -> str:
    return f"{tenant}/{connection_id}"


def _account(summary: StreamSummary) -> dict[str, object]:
    return {"summary": msgspec.json.encode(summary).decode(), "due_ms": summary.closed_at_ms}


def _stream(document: Any) -> StreamRecord:
    fields = document.to_dict()
    stream = _RECORD.decode(fields["record"])
    return (
        msgspec.structs.replace(stream, summary=_SUMMARY.decode(fields["summary"])) if "summary" in fields else stream
    )
