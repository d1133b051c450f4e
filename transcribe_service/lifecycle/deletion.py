"""Deleting a meeting, or its audio alone: which it is, how far it is, and what is done next.

The order is what makes it hold against work that is under way. First the deletion itself is durable, with the connections that it is
about; then each connection has its tombstone in the registry, which everybody asks who might store something; then things are removed.
Each step may be done again, and the sweep does until listings find nothing, and some more times: late, for who was asleep meanwhile.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from common.errors import Permanent
from common.logs import get_logger
from common.object_names import unregistered_connection, unregistered_prefix
from common.ports.blob_store import BlobNotFound
from common.ports.meeting_store import Meeting
from common.ports.work_store import Work
from common.stored_chunks import stream_description
from transcribe_service.lifecycle.deletion_steps import DeletionSteps
from transcribe_service.lifecycle.footprint import Left
from transcribe_service.lifecycle.retranscription_content import takes_of
from transcribe_service.lifecycle.stores import Stores
from transcribe_service.lifecycle.work_content import (
    AUDIO_DELETION,
    DELETION,
    RETRANSCRIPTION,
    content_of,
    new_work,
    replaced,
    with_content,
    work_id,
)

log = get_logger(__name__)
RETRY_MS: Final = 5_000
"""So soon what is not complete is looked at again."""
LOOKS_AFTER_MS: Final = (60_000, 600_000, 3_600_000, 86_400_000, 7 * 86_400_000)
"""When it is looked again, after it was found complete, whether something came late."""
PROOF_KEPT_MS: Final = 30 * 86_400_000
"""How long the record of a complete deletion stays, and the tombstones with it. No queue keeps a message for so long."""


class DeletionContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a deletion is about, and how far it is."""

    meeting_id: str
    requested_at_ms: int
    connections: tuple[str, ...]
    takes: tuple[str, ...] = ("",)
    """The transcriptions that the meeting had."""
    meeting_forgotten: bool = False
    """Its record is gone; one of that id is a new meeting's."""
    looks: int = 0
    """How often it was looked at since it was complete."""
    completed_at_ms: int | None = None


@dataclass(frozen=True)
class Deletions:
    """Deletions of all tenants. Raises `Retryable`."""

    stores: Stores
    audio_only: bool = False
    """Transcript and account stay."""

    @property
    def kind(self) -> str:
        """Of this work."""
        return AUDIO_DELETION if self.audio_only else DELETION

    def request(self, tenant: str, meeting_id: str) -> Work | None:
        """Begin to delete a meeting, or find out that somebody has; None where there is nothing of it. Nothing new is lost by asking twice."""
        works, now_ms = self.stores.works, self.stores.clock.now_ms()
        id_ = work_id(self.kind, meeting_id)
        found = self._found(tenant, meeting_id, now_ms)
        if found is None:
            begun = works.get(tenant, id_)
            is_under_way = begun is not None and content_of(begun, DeletionContent).completed_at_ms is None
            return begun if is_under_way else None
        work = new_work(tenant, self.kind, id_, found, now_ms)
        if not works.add(work):
            work = works.change(tenant, id_, lambda there: _asked_again(there, found, now_ms)) or work
        return self.go_on(work)

    def go_on(self, work: Work) -> Work:
        """Do what is left to do, look what is left then, and say when to look again. The work as it is now."""
        content, works, now_ms = content_of(work, DeletionContent), self.stores.works, self.stores.clock.now_ms()
        steps = self._steps(work.tenant, content)
        if content.completed_at_ms is not None and now_ms - content.completed_at_ms >= PROOF_KEPT_MS:
            steps.forget_tombstones()
            works.remove(work.tenant, work.work_id)
            return work
        steps.make_tombstones(now_ms)
        steps.announce()
        steps.remove(content.takes, meeting_too=not content.meeting_forgotten)
        left = steps.left(content.takes)
        changed = works.change(
            work.tenant,
            work.work_id,
            lambda there: _looked(
                there, replaced(content_of(there, DeletionContent), meeting_forgotten=True), left, now_ms
            ),
        )
        log.info(
            "deletion_went_on", meeting_id=content.meeting_id, complete=left.nothing, **msgspec.structs.asdict(left)
        )
        return changed or work

    def left(self, work: Work) -> tuple[DeletionContent, Left]:
        """How far it is and what is left, looked up now. Whoever finds nothing any more has found it complete."""
        content = content_of(work, DeletionContent)
        left = self._steps(work.tenant, content).left(content.takes)
        if left.nothing and content.completed_at_ms is None and content.meeting_forgotten:
            now_ms = self.stores.clock.now_ms()
            changed = self.stores.works.change(
                work.tenant,
                work.work_id,
                lambda there: _looked(there, content_of(there, DeletionContent), left, now_ms),
            )
            content = content_of(changed, DeletionContent) if changed else content
        return content, left

    def _steps(self, tenant: str, content: DeletionContent) -> DeletionSteps:
        return DeletionSteps(
            self.stores, tenant, content.meeting_id, content.connections, content.requested_at_ms, self.audio_only
        )

    def _found(self, tenant: str, meeting_id: str, now_ms: int) -> DeletionContent | None:
        """What there is of a meeting now. What nobody has registered yet is looked for first: it can only become registered meanwhile."""
        stores = self.stores
        connections = set(self._unregistered(tenant, meeting_id))
        connections |= {each.connection_id for each in stores.streams.of_meeting(tenant, meeting_id)}
        meeting = stores.meetings.get(tenant, meeting_id)
        takes = self._takes(tenant, meeting_id, meeting)
        connections |= {each.connection_id for take in takes for each in stores.segments(tenant, meeting_id, take)}
        if not connections and meeting is None:
            return None
        return DeletionContent(
            meeting_id=meeting_id, requested_at_ms=now_ms, connections=tuple(sorted(connections)), takes=takes
        )

    def _takes(self, tenant: str, meeting_id: str, meeting: Meeting | None) -> tuple[str, ...]:
        work = self.stores.works.get(tenant, work_id(RETRANSCRIPTION, meeting_id))
        return tuple(sorted({"", meeting.take if meeting else "", *takes_of(work)}))

    def _unregistered(self, tenant: str, meeting_id: str) -> list[str]:
        """The connections of a meeting that ingest has described, and the segmenter has not registered."""
        found: list[str] = []
        for info in self.stores.blobs.list(f"{unregistered_prefix(self.stores.settings.raw_audio_path)}{tenant}/"):
            _, connection_id = unregistered_connection(info.name)
            try:
                described = stream_description(
                    self.stores.blobs.read(self.stores.objects(tenant, connection_id).stream)
                )
            except (BlobNotFound, Permanent):
                continue
            if described.meeting_id == meeting_id:
                found.append(connection_id)
        return found


def _asked_again(work: Work, found: DeletionContent, now_ms: int) -> Work:
    """A request finds the deletion of the same meeting under way, or one of a meeting that had its id before. Pure."""
    before = content_of(work, DeletionContent)
    both = replaced(
        found,
        connections=tuple(sorted({*before.connections, *found.connections})),
        takes=tuple(sorted({*before.takes, *found.takes})),
    )
    return with_content(work, both, now_ms)


def _looked(work: Work, content: DeletionContent, left: Left, now_ms: int) -> Work:
    """The work, once somebody has looked what is left. Pure."""
    if not left.nothing:
        return with_content(work, content, now_ms + RETRY_MS)
    completed_at_ms = now_ms if content.completed_at_ms is None else content.completed_at_ms
    after_ms = LOOKS_AFTER_MS[content.looks] if content.looks < len(LOOKS_AFTER_MS) else PROOF_KEPT_MS
    looked = replaced(content, completed_at_ms=completed_at_ms, looks=content.looks + 1)
    return with_content(work, looked, max(now_ms + RETRY_MS, completed_at_ms + after_ms))
