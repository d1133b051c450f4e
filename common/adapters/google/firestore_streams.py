"""The `StreamRegistry` port over Firestore: `streams/{tenant}:{connection}`.

Every query needs one field alone, and that field is there only while a stream belongs to its answer: `open_as` while it is open,
`due_ms` while it is closed and not settled, `meeting` until it is erased. So no composite index is needed, and the answers cost
what they contain. No transactions: the precondition `last_update_time` decides between writers.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

import msgspec
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from common.adapters.google.firestore_calls import FIRESTORE, TIMEOUT_S, check, once
from common.adapters.google.google_errors import translated
from common.errors import Retryable
from common.events import StreamOptions
from common.ports.stream_registry import StreamRecord, StreamSummary, accounted, described

MAX_RACES: Final = 10
MAX_IN: Final = 30
"""Values that Firestore compares a field with in one query."""
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
        """Register a stream; one that is registered already, or was erased, stays as it is."""
        fields = _fields(record) | _due(record)
        known = {name: value for name, value in fields.items() if value is not firestore.DELETE_FIELD}
        with translated(FIRESTORE):
            try:
                self._document(record.tenant, record.connection_id).create(known, **self._once)
            except exceptions.AlreadyExists:  # and not Conflict: that is Aborted too, which has decided nothing
                return

    def describe(self, tenant: str, connection_id: str, options: StreamOptions) -> None:
        """Say what the first chunk says. A stream that is not registered (yet) is `Retryable`."""
        if self.change(tenant, connection_id, lambda record: described(record, options)) is None:
            raise Retryable("the stream to describe is not registered", reason="stream_unknown")

    def close(self, tenant: str, connection_id: str, summary: StreamSummary) -> None:
        """Store the account; a later one replaces it. An account of a stream that is not registered (yet) is `Retryable`."""

        def run(record: StreamRecord) -> dict[str, object] | None:
            closed = accounted(record, summary)
            return None if closed is None else _fields(closed) | _due(closed)

        if self._replace(tenant, connection_id, run) is None:
            raise Retryable("the stream to close is not registered", reason="stream_unknown")

    def change(
        self, tenant: str, connection_id: str, change: Callable[[StreamRecord], StreamRecord]
    ) -> StreamRecord | None:
        """Replace a record by what `change` makes of it, asked again where another writer was faster. None when there is none."""
        changed: StreamRecord | None = None

        def run(record: StreamRecord) -> dict[str, object]:
            nonlocal changed
            changed = change(record)
            is_due_as_before = changed.summary == record.summary and not changed.without_audio
            return _fields(changed) | ({} if is_due_as_before else _due(changed))

        return changed if self._replace(tenant, connection_id, run) else None

    def forget(self, tenant: str, connection_id: str) -> None:
        """Remove an erased stream's record."""
        document = self._document(tenant, connection_id)
        with translated(FIRESTORE):
            found = document.get(**self._once)
            if found.exists and _stream(found).erased_at_ms is not None:
                document.delete(**self._once)  # erased is for ever: nothing can have come in between

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

    def of_meetings(self, tenant: str, meeting_ids: Collection[str]) -> list[StreamRecord]:
        """All streams of some meetings, in no order."""
        keys = [f"{tenant}/{meeting_id}" for meeting_id in meeting_ids]
        found: list[StreamRecord] = []
        for begin in range(0, len(keys), MAX_IN):
            some = FieldFilter("meeting", "in", keys[begin : begin + MAX_IN])
            found += self._answer(self._streams.where(filter=some))
        return found

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

    def _replace(
        self, tenant: str, connection_id: str, replacement: Callable[[StreamRecord], dict[str, object] | None]
    ) -> StreamRecord | None:
        """Write the fields that `replacement` makes of a record, unless it makes None. The record before; None when there is none."""
        document = self._document(tenant, connection_id)
        with translated(FIRESTORE):
            for _ in range(MAX_RACES):
                found = document.get(**self._once)
                if not found.exists:
                    return None
                record = _stream(found)
                fields = replacement(record)
                if fields is None:
                    return record
                unchanged = self._client.write_option(last_update_time=found.update_time)
                try:
                    document.update(fields, option=unchanged, **self._once)
                except (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound):
                    continue
                return record
        raise Retryable("other writers were always faster", reason="firestore_contended")

    def _document(self, tenant: str, connection_id: str) -> Any:
        return self._streams.document(f"{tenant}:{connection_id}")  # no id has a colon

    def _answer(self, query: Any) -> list[StreamRecord]:
        with translated(FIRESTORE):
            return [_stream(found) for found in query.get(**self._once)]


def _key(tenant: str, connection_id: str) -> str:
    return f"{tenant}/{connection_id}"


def _fields(record: StreamRecord) -> dict[str, object]:
    """The whole document besides when it is due. For an update: what is not to be there is deleted."""
    key, gone, summary = _key(record.tenant, record.connection_id), firestore.DELETE_FIELD, record.summary
    is_erased = record.erased_at_ms is not None
    return {
        "tenant": record.tenant,
        "connection_id": record.connection_id,
        "meeting": gone if is_erased else f"{record.tenant}/{record.meeting_id}",
        "opened_at_ms": record.opened_at_ms,
        "record": msgspec.json.encode(msgspec.structs.replace(record, summary=None)).decode(),
        "open_as": gone if is_erased or summary else key,
        "summary": gone if is_erased or summary is None else msgspec.json.encode(summary).decode(),
    }


def _due(record: StreamRecord) -> dict[str, object]:
    """Due at its account, where it has one and is not settled for good."""
    is_due = record.summary is not None and not record.without_audio
    return {"due_ms": record.summary.closed_at_ms if is_due and record.summary else firestore.DELETE_FIELD}


def _stream(document: Any) -> StreamRecord:
    fields = document.to_dict()
    stream = _RECORD.decode(fields["record"])
    return (
        msgspec.structs.replace(stream, summary=_SUMMARY.decode(fields["summary"])) if "summary" in fields else stream
    )
