"""Transcribing a meeting's stored segments once more, under a take of its own, which readers see once all of it is there.

The segments' events are published as they were stored, with another take; the worker does the rest. What the meeting's record says of
the shown take is one field, so readers see all of the old transcription or all of the new one.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from common.events import SegmentReady, SegmentRelabelled
from common.logs import get_logger
from common.object_names import standing_by_prefix
from common.ports.meeting_store import Meeting, take_of
from common.ports.stream_registry import StreamRecord
from common.ports.work_store import Work
from common.problems import Problem
from common.stored_chunks import event_of_content
from common.stored_relabellings import newest_relabellings
from common.stored_segments import event_of_segment
from transcribe_service.lifecycle.retranscription_content import (
    RetranscriptionContent,
    Take,
    asked_for,
    next_take,
)
from transcribe_service.lifecycle.stores import Stores
from transcribe_service.lifecycle.work_content import (
    RETRANSCRIPTION,
    content_of,
    new_work,
    replaced,
    with_content,
    work_id,
)
from transcribe_service.reading.transcript import meeting_status
from transcribe_service.recognition.relabelling import relabelled

log = get_logger(__name__)
LOOK_MS: Final = 5_000
RECONCILED_AFTER_MS: Final = 60_000
"""So long after readers see the new one it is looked for segments that came late, and the old one is removed again."""
GIVEN_UP_AFTER_MS: Final = 7 * 86_400_000


@dataclass(frozen=True)
class Retranscriptions:
    """Of all tenants. Raises `Retryable`."""

    stores: Stores

    def request(self, tenant: str, meeting_id: str, *, model: str, language: str, vocabulary: tuple[str, ...]) -> Take:
        """Begin another transcription; the same one is not begun twice. Raises a 404 or 409 `Problem`."""
        stores, now_ms = self.stores, self.stores.clock.now_ms()
        meeting = self._transcribed(tenant, meeting_id)
        stores.meetings.open(tenant, meeting_id, meeting.opened_at_ms)
        id_ = work_id(RETRANSCRIPTION, meeting_id)
        wanted = Take(
            take="",
            replaces=meeting.take,
            model=model,
            language=language,
            vocabulary=vocabulary,
            requested_at_ms=now_ms,
        )
        stores.works.add(new_work(tenant, RETRANSCRIPTION, id_, RetranscriptionContent(meeting_id=meeting_id), None))

        def begin(work: Work) -> Work:
            content = content_of(work, RetranscriptionContent)
            if content.running is not None:
                return work
            return with_content(work, content.with_take(replaced(wanted, take=next_take(content))), now_ms)

        work = stores.works.change(tenant, id_, begin)
        running = content_of(work, RetranscriptionContent).running if work else None
        if work is None or running is None:
            raise _unknown_meeting()
        if (running.model, running.language, running.vocabulary) != (model, language, vocabulary):
            raise Problem(
                409, "retranscription-under-way", f"Another one is under way: {running.take}.", take=running.take
            )
        if running.published_at_ms is not None:
            return running
        work = self._look(work, running, publish=True) or work
        return next(each for each in content_of(work, RetranscriptionContent).takes if each.take == running.take)

    def get(self, tenant: str, meeting_id: str, take: str) -> Take | None:
        """One of a meeting's, as it is now."""
        work = self.stores.works.get(tenant, work_id(RETRANSCRIPTION, meeting_id))
        if work is None:
            return None
        running = content_of(work, RetranscriptionContent).running
        if running is not None and running.take == take and running.published_at_ms is not None:
            work = self._look(work, running) or work
        return next((each for each in content_of(work, RetranscriptionContent).takes if each.take == take), None)

    def all_of(self, tenant: str, meeting_id: str) -> tuple[Take, ...]:
        """A meeting's, as they were when they were last looked at."""
        work = self.stores.works.get(tenant, work_id(RETRANSCRIPTION, meeting_id))
        return content_of(work, RetranscriptionContent).takes if work else ()

    def is_under_way(self, tenant: str, meeting_id: str) -> bool:
        """Whether one is running."""
        work = self.stores.works.get(tenant, work_id(RETRANSCRIPTION, meeting_id))
        return work is not None and content_of(work, RetranscriptionContent).running is not None

    def go_on(self, work: Work) -> None:
        """Publish what has no transcript yet, or show the new transcription once all of it is there. What the sweep does."""
        content = content_of(work, RetranscriptionContent)
        running = content.running
        if running is not None:
            self._look(work, running, publish=True)
            return
        last = content.takes[-1] if content.takes else None
        if (
            last is not None
            and last.state == "complete"
            and last.take == self.stores.shown_take(work.tenant, content.meeting_id)
        ):
            missing = self._missing(work.tenant, content.meeting_id, last)
            self._publish(missing, last)
            self._remove_old(work.tenant, content.meeting_id, last)
        self.stores.works.change(work.tenant, work.work_id, lambda there: msgspec.structs.replace(there, due_ms=None))

    def _look(self, work: Work, take: Take, *, publish: bool = False) -> Work | None:
        """See how far the running one is; finish it where it is through. The work as it is now."""
        stores, tenant = self.stores, work.tenant
        meeting_id, now_ms = content_of(work, RetranscriptionContent).meeting_id, stores.clock.now_ms()
        streams = stores.streams.of_meeting(tenant, meeting_id)
        stored = [each for each in stores.segments(tenant, meeting_id, take.take) if each.final]
        events = self._events(streams)
        missing = {name: event for name, event in events.items() if name not in {each.segment_id for each in stored}}
        seen = replaced(take, segments=len(stored), segments_expected=len(events))
        if not missing and meeting_status(meeting_id, streams, stored).complete:
            before = {each.segment_id for each in stores.segments(tenant, meeting_id, take.replaces) if each.refused}
            refused = {each.segment_id: each.refused for each in stored if each.refused}
            news = sorted(refused[name] for name in refused.keys() - before)
            done = self._failed(tenant, meeting_id, seen, news[0]) if news else self._shown(tenant, meeting_id, seen)
            return self._keep(work, done, now_ms + RECONCILED_AFTER_MS)
        if now_ms - take.requested_at_ms >= GIVEN_UP_AFTER_MS:
            return self._keep(work, self._failed(tenant, meeting_id, seen, "not_finished_in_time"), None)
        if publish and self._is_due(take, now_ms):
            self._publish(missing, take)
            seen = replaced(seen, published_at_ms=now_ms)
        return self._keep(work, seen, now_ms + LOOK_MS)

    def _keep(self, work: Work, take: Take, due_ms: int | None) -> Work | None:
        """Remember how far `take` is, unless somebody else has finished it meanwhile."""

        def change(there: Work) -> Work:
            content = content_of(there, RetranscriptionContent)
            running = content.running
            if running is None or running.take != take.take:
                return there
            known = replaced(take, published_at_ms=take.published_at_ms or running.published_at_ms)
            return with_content(there, content.with_take(known), due_ms)

        return self.stores.works.change(work.tenant, work.work_id, change)

    def _is_due(self, take: Take, now_ms: int) -> bool:
        """Published at first, and again where a broker may have forgotten some: at twice the age each time, as in every sweep."""
        if take.published_at_ms is None:
            return True
        pause_ms = max(self.stores.settings.republish_after_sec * 1000, take.published_at_ms - take.requested_at_ms)
        return now_ms - take.published_at_ms >= pause_ms

    def _publish(self, events: dict[str, SegmentReady], take: Take) -> None:
        for event in events.values():
            self.stores.publisher.publish(asked_for(event, take))

    def _missing(self, tenant: str, meeting_id: str, take: Take) -> dict[str, SegmentReady]:
        stored = {each.segment_id for each in self.stores.segments(tenant, meeting_id, take.take) if each.final}
        events = self._events(self.stores.streams.of_meeting(tenant, meeting_id))
        return {name: event for name, event in events.items() if name not in stored}

    def _events(self, streams: list[StreamRecord]) -> dict[str, SegmentReady]:
        """The events of all final segments whose audio is there."""
        found: dict[str, SegmentReady] = {}
        for record in streams:
            for name, info in self.stores.finals(record):
                event = event_of_segment(self.stores.blobs, info)
                if event is not None:
                    found[name] = event
        return found

    def _shown(self, tenant: str, meeting_id: str, take: Take) -> Take:
        """Readers see it from now on; the old one goes."""

        def show(meeting: Meeting) -> Meeting:
            return msgspec.structs.replace(meeting, take=take.take) if meeting.take == take.replaces else meeting

        self.stores.meetings.change(tenant, meeting_id, show)
        self._give_newest_speakers(tenant, meeting_id, take)
        self._remove_old(tenant, meeting_id, take)
        log.info("retranscription_shown", meeting_id=meeting_id, take=take.take, segments=take.segments)
        return replaced(take, state="complete", finished_at_ms=self.stores.clock.now_ms())

    def _give_newest_speakers(self, tenant: str, meeting_id: str, take: Take) -> None:
        """What became known of a segment after it was stored for this take, and before readers saw it, was told of the old one alone."""
        stores = self.stores
        for record in stores.streams.of_meeting(tenant, meeting_id):
            objects = stores.objects(tenant, record.connection_id, record.generation)
            for _, _, name in newest_relabellings(stores.blobs, objects):
                event = event_of_content(stores.blobs.read(name), SegmentRelabelled)
                relabelled(stores.transcripts, event, take_of(meeting_id, take.take))

    def _failed(self, tenant: str, meeting_id: str, take: Take, reason: str) -> Take:
        """Whisper refuses what it took before (it has no such model, perhaps): the original stays what readers see."""
        self.stores.transcripts.delete_meeting(tenant, take_of(meeting_id, take.take))
        log.warning("retranscription_failed", meeting_id=meeting_id, take=take.take, reason=reason)
        return replaced(take, state="failed", reason=reason, finished_at_ms=self.stores.clock.now_ms())

    def _remove_old(self, tenant: str, meeting_id: str, take: Take) -> None:
        if self.stores.shown_take(tenant, meeting_id) != take.take:
            return
        self.stores.transcripts.delete_meeting(tenant, take_of(meeting_id, take.replaces))
        for info in self.stores.blobs.list(standing_by_prefix(self.stores.settings.segments_path)):
            known = info.metadata
            if (known.get("tenant"), known.get("meeting_id"), known.get("take")) == (tenant, meeting_id, take.replaces):
                self.stores.blobs.delete(info.name)

    def _transcribed(self, tenant: str, meeting_id: str) -> Meeting:
        """The meeting, where it can be transcribed again. Raises a `Problem` where it can't."""
        stores = self.stores
        streams = stores.streams.of_meeting(tenant, meeting_id)
        if not streams:
            raise _unknown_meeting()
        opened_at_ms = min(each.opened_at_ms for each in streams)
        meeting = stores.meetings.get(tenant, meeting_id) or Meeting(
            tenant=tenant, meeting_id=meeting_id, opened_at_ms=opened_at_ms
        )
        if meeting.audio_erased_at_ms is not None or any(each.without_audio for each in streams):
            raise audio_erased_problem()
        if not meeting_status(meeting_id, streams, stores.segments(tenant, meeting_id, meeting.take)).complete:
            raise Problem(409, "meeting-not-complete", "The meeting's transcript is not complete yet.")
        return meeting


def audio_erased_problem() -> Problem:
    """409: there is nothing to be heard once more."""
    return Problem(409, "audio-erased", "The meeting's audio was erased; its transcript is all that is left.")


def _unknown_meeting() -> Problem:
    return Problem(404, "unknown-meeting", "There is no meeting with this id, or it has no stream yet.")
