"""Replaying a meeting: each of its connections is cut and transcribed anew from its chunks, as if it had just been uploaded.

The connection's generation in the registry is the decision. What was transcribed before stays visible until all of the new generation
is stored; segments of equal ids are replaced one by one, which a higher rank does by itself, and others are removed in the end.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import msgspec

from common.events import StreamReplayed
from common.logs import get_logger
from common.ports.meeting_store import take_of
from common.ports.stream_registry import StreamRecord
from common.ports.work_store import Work
from common.problems import Problem
from transcribe_service.lifecycle.retranscription import Retranscriptions, audio_erased_problem
from transcribe_service.lifecycle.stores import Stores
from transcribe_service.lifecycle.work_content import REPLAY, content_of, new_work, replaced, with_content, work_id

log = get_logger(__name__)
LOOK_MS: Final = 5_000
TOLD_AGAIN_MS: Final = 60_000
"""An event may be lost. The segmenter's own sweep finds the stream as well: it is open again."""
DELETIONS_AT_A_TIME: Final = 8


class ReplayContent(msgspec.Struct, frozen=True, kw_only=True):
    """Which connections are replayed, and to which generation."""

    meeting_id: str
    requested_at_ms: int
    generations: Mapping[str, int]
    told_at_ms: int | None = None
    finished_at_ms: int | None = None


class ReplayedStream(msgspec.Struct, frozen=True, kw_only=True):
    """How far the replay of one connection is."""

    connection_id: str
    generation: int
    """How often it was replayed, this time included."""
    segments: int
    """Final segments of this generation that are stored."""
    segments_expected: int | None
    """None until all of it is cut."""


@dataclass(frozen=True)
class Replays:
    """Of all tenants. Raises `Retryable`."""

    stores: Stores
    retranscriptions: Retranscriptions

    def request(self, tenant: str, meeting_id: str) -> Work:
        """Begin to replay a meeting, or find the replay that is under way. Raises a 404 or 409 `Problem`."""
        stores, now_ms = self.stores, self.stores.clock.now_ms()
        streams = stores.streams.of_meeting(tenant, meeting_id)
        if not streams:
            raise Problem(404, "unknown-meeting", "There is no meeting with this id, or it has no stream yet.")
        meeting = stores.meetings.get(tenant, meeting_id)
        if (meeting and meeting.audio_erased_at_ms) or any(each.without_audio for each in streams):
            raise audio_erased_problem()
        if self.retranscriptions.is_under_way(tenant, meeting_id):
            raise Problem(409, "retranscription-under-way", "The meeting's segments are being transcribed once more.")
        wanted = ReplayContent(
            meeting_id=meeting_id,
            requested_at_ms=now_ms,
            generations={each.connection_id: each.generation + 1 for each in streams},
        )
        work = new_work(tenant, REPLAY, work_id(REPLAY, meeting_id), wanted, now_ms)
        if not stores.works.add(work):
            work = stores.works.change(tenant, work.work_id, lambda there: _asked_again(there, wanted, now_ms)) or work
        self.go_on(work)
        return work

    def get(self, tenant: str, meeting_id: str) -> Work | None:
        """The last replay of a meeting."""
        work = self.stores.works.get(tenant, work_id(REPLAY, meeting_id))
        if work is not None and content_of(work, ReplayContent).finished_at_ms is None:
            self.go_on(work)
            work = self.stores.works.get(tenant, work.work_id)
        return work

    def streams(self, work: Work) -> tuple[ReplayedStream, ...]:
        """How far its connections are."""
        content = content_of(work, ReplayContent)
        return tuple(
            _progress(record, self._stored(work.tenant, content)) for record in self._records(work.tenant, content)
        )

    def go_on(self, work: Work) -> None:
        """Have the streams replayed, and remove what they were before, once they are through."""
        content, stores, now_ms = content_of(work, ReplayContent), self.stores, self.stores.clock.now_ms()
        for connection_id, generation in content.generations.items():
            stores.streams.change(work.tenant, connection_id, lambda found, to=generation: taken_back(found, to))  # type: ignore[misc]
        records, stored = self._records(work.tenant, content), self._stored(work.tenant, content)
        waiting = [each for each in records if not _is_through(_progress(each, stored))]
        if not waiting:
            self._remove_old(work.tenant, content, records)
            finished = replaced(content, finished_at_ms=content.finished_at_ms or now_ms)
            stores.works.change(work.tenant, work.work_id, lambda there: _kept(there, finished, None))
            log.info("replay_finished", meeting_id=content.meeting_id, streams=len(records))
            return
        if content.told_at_ms is None or now_ms - content.told_at_ms >= TOLD_AGAIN_MS:
            for record in waiting:
                if record.summary is None:
                    stores.publisher.publish(_event(record))
            content = replaced(content, told_at_ms=now_ms)
        stores.works.change(work.tenant, work.work_id, lambda there: _kept(there, content, now_ms + LOOK_MS))

    def _records(self, tenant: str, content: ReplayContent) -> list[StreamRecord]:
        """Of its connections, those that were not erased meanwhile."""
        found = [self.stores.streams.get(tenant, connection_id) for connection_id in content.generations]
        return [each for each in found if each is not None and not each.without_audio]

    def _stored(self, tenant: str, content: ReplayContent) -> Mapping[tuple[str, int], int]:
        """How many final segments are stored, by connection and generation."""
        counts: dict[tuple[str, int], int] = {}
        take = self.stores.shown_take(tenant, content.meeting_id)
        for each in self.stores.segments(tenant, content.meeting_id, take):
            if each.final:
                key = each.connection_id, each.generation
                counts[key] = counts.get(key, 0) + 1
        return counts

    def _remove_old(self, tenant: str, content: ReplayContent, records: list[StreamRecord]) -> None:
        """Transcripts and objects of earlier generations."""
        generations = {each.connection_id: each.generation for each in records}
        take = self.stores.shown_take(tenant, content.meeting_id)
        for each in self.stores.segments(tenant, content.meeting_id, take):
            if each.generation < generations.get(each.connection_id, 0):
                stored_as = take_of(content.meeting_id, take)
                self.stores.transcripts.delete_segment(tenant, stored_as, each.segment_id)
        with ThreadPoolExecutor(DELETIONS_AT_A_TIME) as threads:
            for record in records:
                list(threads.map(self.stores.blobs.delete, list(self._old_objects(record))))

    def _old_objects(self, record: StreamRecord) -> Iterator[str]:
        objects = self.stores.objects(record.tenant, record.connection_id, record.generation)
        for info in self.stores.blobs.list(objects.all_segments_prefix):
            if not info.name.startswith(objects.segments_prefix):
                yield info.name


def taken_back(record: StreamRecord, generation: int) -> StreamRecord:
    """The stream, open again and one generation further; itself where it is that far already, or has no audio any more. Pure."""
    if record.without_audio or record.generation >= generation:
        return record
    return msgspec.structs.replace(record, generation=generation, summary=None)


def _asked_again(work: Work, wanted: ReplayContent, now_ms: int) -> Work:
    if content_of(work, ReplayContent).finished_at_ms is None:
        return work
    return with_content(work, wanted, now_ms)


def _kept(work: Work, content: ReplayContent, due_ms: int | None) -> Work:
    """Unless somebody else was further."""
    there = content_of(work, ReplayContent)
    if there.finished_at_ms is not None or there.requested_at_ms != content.requested_at_ms:
        return work
    return with_content(work, content, due_ms)


def _progress(record: StreamRecord, stored: Mapping[tuple[str, int], int]) -> ReplayedStream:
    return ReplayedStream(
        connection_id=record.connection_id,
        generation=record.generation,
        segments=stored.get((record.connection_id, record.generation), 0),
        segments_expected=record.summary.segments if record.summary else None,
    )


def _is_through(stream: ReplayedStream) -> bool:
    return stream.segments_expected is not None and stream.segments >= stream.segments_expected


def _event(record: StreamRecord) -> StreamReplayed:
    return StreamReplayed(
        tenant=record.tenant,
        meeting_id=record.meeting_id,
        connection_id=record.connection_id,
        generation=record.generation,
    )
