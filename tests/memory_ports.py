"""The ports in memory, for unit tests of any service. They can be told to fail: each fault is raised once, at the next call.

What the real adapters do is shown by the contract suites; these only have to be simple and strict.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from common.events import Event, Message, StreamOptions
from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore, Created
from common.ports.delivery_store import Change as DeliveryChange
from common.ports.delivery_store import Delivery, DeliveryStore
from common.ports.meeting_store import Cursor, Meeting, MeetingStore
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRecord, StreamRegistry, StreamSummary, accounted, described
from common.ports.token_store import TokenRecord, TokenStore
from common.ports.transcript_store import (
    POSITION_DIGITS,
    Change,
    Changes,
    SearchPage,
    SearchPlace,
    SegmentTranscript,
    Stored,
    TranscriptStore,
    place_of_segment,
    rank_of,
    searchable_words,
    supersedes,
)
from common.ports.webhook_store import Webhook, WebhookStore
from common.ports.work_store import Work, WorkStore
from common.search_words import SearchQuery


class Faults:
    """Errors to raise, one a call, before anything is done or after everything is."""

    def __init__(self) -> None:
        self.before: list[Exception] = []
        self.after: list[Exception] = []

    def strike_before(self) -> None:
        if self.before:
            raise self.before.pop(0)

    def strike_after(self) -> None:
        if self.after:
            raise self.after.pop(0)


class Held(msgspec.Struct, frozen=True):
    """An object's content and metadata."""

    data: bytes
    metadata: dict[str, str]


class FakeBlobs(BlobStore):
    def __init__(self) -> None:
        self.objects: dict[str, Held] = {}
        self.faults = Faults()

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        self.faults.strike_before()
        if name in self.objects:
            return Created.ALREADY_SAME if self.objects[name].data == data else Created.ALREADY_DIFFERENT
        self.objects[name] = Held(data, dict(metadata or {}))
        return Created.CREATED

    def read(self, name: str) -> bytes:
        self.faults.strike_before()
        if name not in self.objects:
            raise BlobNotFound(name)
        return self.objects[name].data

    def info(self, name: str) -> BlobInfo:
        self.faults.strike_before()
        if name not in self.objects:
            raise BlobNotFound(name)
        held = self.objects[name]
        return BlobInfo(name, len(held.data), held.metadata)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        found = [(name, held) for name, held in sorted(self.objects.items()) if name.startswith(prefix)]
        for name, held in found:
            if name > start_after:
                yield BlobInfo(name, len(held.data), held.metadata)

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def check(self) -> None:
        self.faults.strike_before()


class FakePublisher(Publisher):
    def __init__(self) -> None:
        self.published: list[Event] = []
        self.messages: list[tuple[str, Message]] = []
        self.faults = Faults()

    def publish(self, event: Event) -> None:
        self.faults.strike_before()
        self.published.append(event)
        self.faults.strike_after()

    def publish_message(self, topic: str, message: Message) -> None:
        self.faults.strike_before()
        self.messages.append((topic, message))
        self.faults.strike_after()

    def check(self) -> None:
        self.faults.strike_before()


class FakeTranscripts(TranscriptStore):
    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], SegmentTranscript] = {}
        self.positions: dict[tuple[str, str, str], int] = {}
        self.faults = Faults()
        self._position = 0

    def put(self, segment: SegmentTranscript) -> Stored:
        self.faults.strike_before()
        key = (segment.tenant, segment.meeting_id, segment.segment_id)
        if key in self.stored and not supersedes(segment, self.stored[key]):
            return Stored.SUPERSEDED
        self.stored[key] = segment
        self._changed(key)
        self.faults.strike_after()
        return Stored.STORED

    def stored_rank(self, tenant: str, meeting_id: str, segment_id: str) -> int | None:
        found = self.get(tenant, meeting_id, segment_id)
        return rank_of(found) if found else None

    def get(self, tenant: str, meeting_id: str, segment_id: str) -> SegmentTranscript | None:
        return self.stored.get((tenant, meeting_id, segment_id))

    def segments(self, tenant: str, meeting_id: str) -> list[SegmentTranscript]:
        own = [each for (t, m, _), each in self.stored.items() if (t, m) == (tenant, meeting_id)]
        return sorted(own, key=lambda each: (each.epoch_offset_ms + each.start_ms, each.segment_id))

    def changes(self, tenant: str, meeting_id: str, *, after: str) -> Changes:
        self.faults.strike_before()
        own = sorted((at, key) for key, at in self.positions.items() if key[:2] == (tenant, meeting_id))
        changes = tuple(
            Change(f"{at:0{POSITION_DIGITS}d}", key[2], self.stored.get(key)) for at, key in own if at > int(after or 0)
        )
        return Changes(changes, changes[-1].position if changes else after)

    def _changed(self, key: tuple[str, str, str]) -> None:
        self._position += 1
        self.positions[key] = self._position

    def search(self, tenant: str, query: SearchQuery, *, limit: int, after: SearchPlace | None = None) -> SearchPage:
        self.faults.strike_before()
        found = [
            each for each in self.stored.values() if each.tenant == tenant and query.found_in(searchable_words(each))
        ]
        found.sort(key=_search_order, reverse=True)
        left = [each for each in found if after is None or _search_order(each) < msgspec.structs.astuple(after)]
        return SearchPage(tuple(left[:limit]), place_of_segment(left[limit - 1]) if len(left) > limit else None)

    def delete_segment(self, tenant: str, meeting_id: str, segment_id: str) -> None:
        key = (tenant, meeting_id, segment_id)
        if self.stored.pop(key, None) is not None:
            self._changed(key)

    def delete_meeting(self, tenant: str, meeting_id: str) -> None:
        for kept in (self.stored, self.positions):
            for key in [key for key in kept if key[:2] == (tenant, meeting_id)]:
                del kept[key]

    def check(self) -> None:
        self.faults.strike_before()


def _search_order(segment: SegmentTranscript) -> tuple[object, ...]:
    return msgspec.structs.astuple(place_of_segment(segment))


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


class FakeMeetings(MeetingStore):
    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Meeting] = {}
        self.faults = Faults()

    def open(self, tenant: str, meeting_id: str, opened_at_ms: int) -> None:
        self.faults.strike_before()
        meeting = Meeting(tenant=tenant, meeting_id=meeting_id, opened_at_ms=opened_at_ms)
        self.stored.setdefault((tenant, meeting_id), meeting)
        self.faults.strike_after()

    def get(self, tenant: str, meeting_id: str) -> Meeting | None:
        self.faults.strike_before()
        return self.stored.get((tenant, meeting_id))

    def change(self, tenant: str, meeting_id: str, change: Callable[[Meeting], Meeting]) -> Meeting | None:
        self.faults.strike_before()
        if (tenant, meeting_id) not in self.stored:
            return None
        changed = self.stored[tenant, meeting_id] = change(self.stored[tenant, meeting_id])
        self.faults.strike_after()
        return changed

    def page(self, tenant: str, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        self.faults.strike_before()
        newest_first = sorted(self._of(tenant), key=_age, reverse=True)
        return [each for each in newest_first if after is None or _age(each) < msgspec.structs.astuple(after)][:limit]

    def opened_before(self, tenant: str, at_ms: int, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        self.faults.strike_before()
        older = [each for each in sorted(self._of(tenant), key=_age) if each.opened_at_ms < at_ms]
        return [each for each in older if after is None or _age(each) > msgspec.structs.astuple(after)][:limit]

    def tenants(self) -> list[str]:
        self.faults.strike_before()
        return sorted({tenant for tenant, _ in self.stored})

    def delete(self, tenant: str, meeting_id: str) -> None:
        self.faults.strike_before()
        self.stored.pop((tenant, meeting_id), None)
        self.faults.strike_after()

    def check(self) -> None:
        self.faults.strike_before()

    def _of(self, tenant: str) -> list[Meeting]:
        return [each for each in self.stored.values() if each.tenant == tenant]


def _age(meeting: Meeting) -> tuple[int, str]:
    return meeting.opened_at_ms, meeting.meeting_id


class FakeWorks(WorkStore):
    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Work] = {}
        self.faults = Faults()

    def add(self, work: Work) -> bool:
        self.faults.strike_before()
        added = self.stored.setdefault((work.tenant, work.work_id), work) is work
        self.faults.strike_after()
        return added

    def get(self, tenant: str, work_id: str) -> Work | None:
        self.faults.strike_before()
        return self.stored.get((tenant, work_id))

    def change(self, tenant: str, work_id: str, change: Callable[[Work], Work]) -> Work | None:
        self.faults.strike_before()
        if (tenant, work_id) not in self.stored:
            return None
        changed = self.stored[tenant, work_id] = change(self.stored[tenant, work_id])
        self.faults.strike_after()
        return changed

    def due(self, *, now_ms: int, limit: int) -> list[Work]:
        self.faults.strike_before()
        due = [(each.due_ms, key) for key, each in self.stored.items() if each.due_ms is not None]
        return [self.stored[key] for due_ms, key in sorted(due) if due_ms <= now_ms][:limit]

    def remove(self, tenant: str, work_id: str) -> None:
        self.faults.strike_before()
        self.stored.pop((tenant, work_id), None)

    def check(self) -> None:
        self.faults.strike_before()


class FakeTokens(TokenStore):
    def __init__(self, *records: TokenRecord) -> None:
        self.records = {each.token_hash: each for each in records}
        self.asked: list[str] = []
        self.faults = Faults()

    def put(self, record: TokenRecord) -> None:
        self.faults.strike_before()
        self.records[record.token_hash] = record
        self.faults.strike_after()

    def by_hash(self, token_hash: str) -> TokenRecord | None:
        self.asked.append(token_hash)
        self.faults.strike_before()
        return self.records.get(token_hash)

    def by_id(self, tenant: str, token_id: str) -> TokenRecord | None:
        return next((each for each in self.of_tenant(tenant) if each.token_id == token_id), None)

    def of_tenant(self, tenant: str) -> list[TokenRecord]:
        self.faults.strike_before()
        own = [each for each in self.records.values() if each.tenant == tenant]
        return sorted(own, key=lambda each: (each.created_at_ms, each.token_id))

    def of_user(self, tenant: str, user_id: str) -> list[TokenRecord]:
        return [each for each in self.of_tenant(tenant) if each.user_id == user_id]

    def check(self) -> None:
        self.faults.strike_before()


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


class FakeDeliveries(DeliveryStore):
    """May be used from several threads."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], Delivery] = {}
        self.faults = Faults()
        self._lock = threading.Lock()

    def change(self, tenant: str, receiver: str, subject: str, change: DeliveryChange) -> Delivery | None:
        self.faults.strike_before()
        with self._lock:
            found = self.stored.get((tenant, receiver, subject))
            changed = change(found)
            if changed is not None:
                self.stored[tenant, receiver, subject] = changed
        self.faults.strike_after()
        return changed or found

    def get(self, tenant: str, receiver: str, subject: str) -> Delivery | None:
        self.faults.strike_before()
        return self.stored.get((tenant, receiver, subject))

    def due(self, tenant: str, receiver: str, now_ms: int, *, limit: int) -> list[Delivery]:
        self.faults.strike_before()
        with self._lock:
            return [each for each in self._due(now_ms) if (each.tenant, each.receiver) == (tenant, receiver)][:limit]

    def receivers_due(self, now_ms: int, *, limit: int) -> list[Delivery]:
        self.faults.strike_before()
        first: dict[tuple[str, str], Delivery] = {}
        with self._lock:
            for each in self._due(now_ms):
                first.setdefault((each.tenant, each.receiver), each)
        return [first[key] for key in sorted(first)][:limit]

    def forget_expired(self, now_ms: int, *, limit: int) -> int:
        self.faults.strike_before()
        expired = [k for k, each in self.stored.items() if each.expires_ms is not None and each.expires_ms <= now_ms]
        for key in expired[:limit]:
            del self.stored[key]
        return len(expired[:limit])

    def forget_receiver(self, tenant: str, receiver: str) -> None:
        self.faults.strike_before()
        for key in [key for key in self.stored if key[:2] == (tenant, receiver)]:
            del self.stored[key]

    def check(self) -> None:
        self.faults.strike_before()

    def _due(self, now_ms: int) -> list[Delivery]:
        due = [(each.due_ms, each.subject, each) for each in self.stored.values() if each.due_ms is not None]
        return [each for due_ms, _, each in sorted(due, key=lambda item: item[:2]) if due_ms <= now_ms]
