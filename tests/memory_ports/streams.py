"""The registry of streams."""

from collections.abc import Callable, Collection

from common.events import StreamOptions
from common.ports.stream_registry import StreamRecord, StreamRegistry, StreamSummary, accounted, described
from tests.memory_ports.faults import Faults


class FakeStreams(StreamRegistry):
    def __init__(self) -> None:
        self.records: dict[tuple[str, str], StreamRecord] = {}
        self.due_ms: dict[tuple[str, str], int] = {}
        self.faults = Faults()

    def open(self, record: StreamRecord) -> None:
        self.faults.strike_before()
        self.records.setdefault((record.tenant, record.connection_id), record)

    def describe(self, tenant: str, connection_id: str, options: StreamOptions) -> None:
        assert self.change(tenant, connection_id, lambda record: described(record, options)) is not None

    def close(self, tenant: str, connection_id: str, summary: StreamSummary) -> None:
        self.faults.strike_before()
        closed = accounted(self.records[tenant, connection_id], summary)
        if closed is not None:
            self.records[tenant, connection_id] = closed
            self.due_ms[tenant, connection_id] = summary.closed_at_ms
        self.faults.strike_after()

    def change(
        self, tenant: str, connection_id: str, change: Callable[[StreamRecord], StreamRecord]
    ) -> StreamRecord | None:
        self.faults.strike_before()
        key = tenant, connection_id
        record = self.records.get(key)
        if record is None:
            return None
        changed = self.records[key] = change(record)
        if changed.without_audio or changed.summary is None:
            self.due_ms.pop(key, None)
        elif changed.summary != record.summary:
            self.due_ms[key] = changed.summary.closed_at_ms
        self.faults.strike_after()
        return changed

    def forget(self, tenant: str, connection_id: str) -> None:
        record = self.records.get((tenant, connection_id))
        if record is not None and record.erased_at_ms is not None:
            del self.records[tenant, connection_id]

    def get(self, tenant: str, connection_id: str) -> StreamRecord | None:
        return self.records.get((tenant, connection_id))

    def of_meeting(self, tenant: str, meeting_id: str) -> list[StreamRecord]:
        own = [each for each in self.records.values() if (each.tenant, each.meeting_id) == (tenant, meeting_id)]
        return sorted((each for each in own if each.erased_at_ms is None), key=lambda each: each.opened_at_ms)

    def of_meetings(self, tenant: str, meeting_ids: Collection[str]) -> list[StreamRecord]:
        return [each for meeting_id in meeting_ids for each in self.of_meeting(tenant, meeting_id)]

    def open_streams(self, *, limit: int, start_after: str = "") -> list[StreamRecord]:
        self.faults.strike_before()
        keyed = sorted((f"{each.tenant}/{each.connection_id}", each) for each in self.records.values())
        open_ones = [(key, each) for key, each in keyed if each.summary is None and each.erased_at_ms is None]
        return [each for key, each in open_ones if key > start_after][:limit]

    def unsettled(self, *, due_ms: int, limit: int) -> list[StreamRecord]:
        self.faults.strike_before()
        due = sorted((at_ms, key) for key, at_ms in self.due_ms.items() if at_ms <= due_ms)
        return [self.records[key] for _, key in due[:limit]]

    def look_again(self, record: StreamRecord, at_ms: int | None) -> None:
        self.faults.strike_before()
        key = record.tenant, record.connection_id
        if self.records.get(key) != record:
            return
        if at_ms is None:
            self.due_ms.pop(key, None)
        else:
            self.due_ms[key] = at_ms

    def check(self) -> None:
        self.faults.strike_before()
