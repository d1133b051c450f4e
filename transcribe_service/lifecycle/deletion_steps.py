"""The steps of a deletion. Each may be done at any time, and again; none needs another one to have finished."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from common.events import StreamErased, StreamOptions
from common.object_names import dead_letters_prefix, standing_by_prefix
from common.ports.blob_store import BlobInfo, BlobNotFound
from common.ports.meeting_store import Meeting, take_of
from common.ports.stream_registry import StreamRecord
from transcribe_service.lifecycle.footprint import COUNTED, Left, counted
from transcribe_service.lifecycle.stores import Stores
from transcribe_service.lifecycle.work_content import AUDIO_DELETION, REPLAY, RETRANSCRIPTION, work_id


@dataclass(frozen=True)
class DeletionSteps:
    """Of one meeting's connections, as they were when its deletion was asked for. Those that come later are a new meeting's."""

    stores: Stores
    tenant: str
    meeting_id: str
    connections: tuple[str, ...]
    requested_at_ms: int
    audio_only: bool

    def make_tombstones(self, now_ms: int) -> None:
        """Have the registry say that nothing of the connections may be stored any more. Durable on return."""
        for connection_id in self.connections:
            record = self.stores.streams.get(self.tenant, connection_id)
            if record is None and not self.audio_only:
                self.stores.streams.open(self._tombstone(connection_id, now_ms))
                record = self.stores.streams.get(self.tenant, connection_id)
            if record is not None and not self._has_tombstone(record):
                self.stores.streams.change(self.tenant, connection_id, lambda found: self._without(found, now_ms))

    def announce(self) -> None:
        """Tell the segmenter of every connection of which it has something left, as far as anybody knows."""
        for connection_id in self.connections:
            record = self.stores.streams.get(self.tenant, connection_id)
            if record is None:
                continue
            if record.emptied_at_ms is None or any(True for _ in self._of_connection(connection_id)):
                event = StreamErased(tenant=self.tenant, meeting_id=self.meeting_id, connection_id=connection_id)
                self.stores.publisher.publish(event)

    def remove(self, takes: tuple[str, ...], *, meeting_too: bool) -> None:
        """Remove the words, what is known of the meeting where it has no newer connections, and what stands for its connections.

        `meeting_too` the first time only: what is there later under its id is a new meeting's.
        """
        for info in [*self._letters(), *self._standing_by()]:
            self.stores.blobs.delete(info.name)
        if self.audio_only:
            if meeting_too:
                self.stores.meetings.open(self.tenant, self.meeting_id, self.requested_at_ms)
                self.stores.meetings.change(
                    self.tenant, self.meeting_id, lambda found: _without_audio(found, self.requested_at_ms)
                )
            return
        is_gone = not self._newer()
        for take in takes:
            self._remove_words(take, is_gone=is_gone)
        if meeting_too:
            for kind in (REPLAY, RETRANSCRIPTION, AUDIO_DELETION):
                self.stores.works.remove(self.tenant, work_id(kind, self.meeting_id))
        if meeting_too or is_gone:
            self._remove_meeting()

    def left(self, takes: tuple[str, ...]) -> Left:
        """What listings find now."""
        records = [self.stores.streams.get(self.tenant, connection_id) for connection_id in self.connections]
        raw, made = 0, 0
        for connection_id in self.connections:
            objects = self.stores.objects(self.tenant, connection_id)
            raw += self._count(objects.raw_prefix) + self._exists(objects.unregistered)
            made += self._count(objects.all_segments_prefix)
        raw += len(list(self._letters())) + len(list(self._standing_by()))
        return counted(
            objects=raw,
            segments=made,
            hot_state=sum(each is not None and each.emptied_at_ms is None for each in records),
            records=0 if self.audio_only else self._records(takes),
        )

    def forget_tombstones(self) -> None:
        """Remove the last that is left. Whatever came later would be a new connection's."""
        for connection_id in self.connections:
            self.stores.streams.forget(self.tenant, connection_id)

    def _without(self, record: StreamRecord, now_ms: int) -> StreamRecord:
        return audio_erased(record, now_ms) if self.audio_only else erased(record, now_ms)

    def _has_tombstone(self, record: StreamRecord) -> bool:
        return record.without_audio if self.audio_only else record.erased_at_ms is not None

    def _tombstone(self, connection_id: str, now_ms: int) -> StreamRecord:
        return StreamRecord(
            tenant=self.tenant,
            meeting_id=self.meeting_id,
            connection_id=connection_id,
            opened_at_ms=now_ms,
            erased_at_ms=now_ms,
        )

    def _newer(self) -> list[StreamRecord]:
        """The connections of a new meeting that has the same id."""
        return self.stores.streams.of_meeting(self.tenant, self.meeting_id)

    def _remove_words(self, take: str, *, is_gone: bool) -> None:
        stored_as = take_of(self.meeting_id, take)
        if is_gone:
            self.stores.transcripts.delete_meeting(self.tenant, stored_as)
            return
        for segment in self.stores.transcripts.segments(self.tenant, stored_as):
            if segment.connection_id in self.connections:
                self.stores.transcripts.delete_segment(self.tenant, stored_as, segment.segment_id)

    def _remove_meeting(self) -> None:
        """A connection is registered before its meeting is: so who began meanwhile is seen here, or makes the meeting itself."""
        self.stores.meetings.delete(self.tenant, self.meeting_id)
        newer = self._newer()
        if newer:
            self.stores.meetings.open(self.tenant, self.meeting_id, newer[0].opened_at_ms)

    def _records(self, takes: tuple[str, ...]) -> int:
        found = sum(
            each.connection_id in self.connections
            for take in takes
            for each in self.stores.segments(self.tenant, self.meeting_id, take)
        )
        if self._newer():
            return found
        return found + (self.stores.meetings.get(self.tenant, self.meeting_id) is not None)

    def _of_connection(self, connection_id: str) -> Iterator[BlobInfo]:
        objects = self.stores.objects(self.tenant, connection_id)
        yield from self.stores.blobs.list(objects.raw_prefix)
        yield from self.stores.blobs.list(objects.all_segments_prefix)

    def _count(self, prefix: str) -> int:
        return sum(1 for _ in islice(self.stores.blobs.list(prefix), COUNTED))

    def _exists(self, name: str) -> bool:
        try:
            self.stores.blobs.info(name)
        except BlobNotFound:
            return False
        return True

    def _letters(self) -> Iterator[BlobInfo]:
        """Dead letters that are about the connections."""
        for info in self.stores.blobs.list(dead_letters_prefix(self.stores.settings.raw_audio_path, self.tenant)):
            if info.metadata.get("connection") in self.connections:
                yield info

    def _standing_by(self) -> Iterator[BlobInfo]:
        """What stands for segments of the connections that may have to be transcribed after all."""
        for info in self.stores.blobs.list(standing_by_prefix(self.stores.settings.segments_path)):
            if info.metadata.get("tenant") == self.tenant and info.metadata.get("connection_id") in self.connections:
                yield info


def erased(record: StreamRecord, now_ms: int) -> StreamRecord:
    """The tombstone of a stream: nothing that its uploader said is in it. Pure."""
    if record.erased_at_ms is not None:
        return record
    return msgspec.structs.replace(
        record, options=StreamOptions(), summary=None, erased_at_ms=now_ms, emptied_at_ms=None
    )


def audio_erased(record: StreamRecord, now_ms: int) -> StreamRecord:
    """The record of a stream whose audio goes and whose transcript stays. Pure."""
    return record if record.without_audio else msgspec.structs.replace(record, audio_erased_at_ms=now_ms)


def _without_audio(meeting: Meeting, at_ms: int) -> Meeting:
    return meeting if meeting.audio_erased_at_ms else msgspec.structs.replace(meeting, audio_erased_at_ms=at_ms)
