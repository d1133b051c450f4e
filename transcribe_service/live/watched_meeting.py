"""One meeting that somebody watches: asks the stores what has changed, once for all its readers, and wakes them.

A reader is a place in what there is to be sent; how slow it is matters to itself alone.
"""

import threading
from collections.abc import Iterator
from itertools import chain
from typing import Final

import msgspec

from common.ports.meeting_store import Meeting
from common.ports.stream_registry import StreamRecord
from transcribe_service.connections.coverage import sharing
from transcribe_service.connections.presence import connections
from transcribe_service.live.event_ids import BEGINNING, EventId, Look, parsed
from transcribe_service.live.live_transcript import LiveTranscript
from transcribe_service.live.messages import LiveEnd, LiveMeeting, event, event_body
from transcribe_service.reading.meeting_view import meeting_view
from transcribe_service.reading.stored_meeting import StoredMeeting, StoredMeetings, unknown_meeting, unrecorded
from transcribe_service.reading.utterances import meeting_epoch_ms

PART_BYTES: Final = 64 * 1024
"""About so much of a long transcript is handed to the connection at a time."""


class WatchedMeeting:
    """Safe to use from many threads. Raises a 404 `Problem` where there is no such meeting, `Retryable` where nobody can say."""

    def __init__(self, tenant: str, meeting_id: str, stored: StoredMeetings) -> None:
        self.changed = threading.Condition()
        """Guards everything below; notified whenever readers have something to do."""
        self.beginnings = 0
        """How often readers had to begin anew."""
        self.is_deleted = False
        self.is_over = False
        self._tenant = tenant
        self._meeting_id = meeting_id
        self._stored = stored
        self._refreshing = threading.Lock()
        self._cursor = ""
        self._news: tuple[int, int, bytes] = (0, 0, b"")
        self._record, self._streams = self._read_meeting()
        self._begin(*self._load())
        self._tell()
        if self._is_gone() and not self.transcript.current:
            raise unknown_meeting()

    def refresh(self, *, meeting_too: bool = True) -> None:
        """Take in what has changed. Without `meeting_too`, the meeting's own record and its streams only where segments have changed."""
        with self._refreshing:
            found = self._stored.transcripts.changes(self._tenant, self._stored_as, after=self._cursor)
            if found.changes:
                with self.changed:
                    self.transcript.apply(found.changes)
                    self._show()
                    self._tell()
                    self.changed.notify_all()
            self._cursor = found.cursor
            if meeting_too or found.changes:
                self._refresh_meeting()

    def end(self) -> None:
        """Let all readers go."""
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def news(self, seq: int) -> tuple[int, bytes]:
        """All events after `seq`, and the `seq` up to which they go. Written once for all who ask from the same place."""
        newest = self.transcript.seq
        if self._news[:2] != (seq, newest):
            events = b"".join(event(each.event_id, each.body) for each in self.transcript.since(seq))
            self._news = (seq, newest, events)
        return newest, self._news[2]

    @property
    def has_nothing(self) -> bool:
        """Whether there was no segment yet, so that no reader can have one."""
        return self.transcript.position == BEGINNING

    def last_word(self) -> bytes:
        """That the meeting was deleted."""
        event_id = EventId(self.transcript.position, self.transcript.state)
        return event(str(event_id), event_body("deleted", LiveEnd(self._meeting_id)))

    def beginning(self, *, again: bool) -> Iterator[bytes]:
        """All events for a reader who has nothing, or, `again`, is to forget what it has."""
        forget = event_body("reset", LiveEnd(self._meeting_id))
        first = [(EventId(BEGINNING, self.transcript.state), forget)] if again else []
        return (event(str(at), body) for at, body in chain(first, self.transcript.everything()))

    def catch_up_with(self, last_event_id: str) -> None:
        """Know as much as the process that gave this id."""
        came_with = parsed(last_event_id)
        if came_with is not None and not self._knows(came_with):
            self.refresh()

    def continuation(self, last_event_id: str) -> Iterator[bytes] | None:
        """All events since an id; None where nobody can say what they are."""
        came_with = parsed(last_event_id)
        if came_with is None or not self._knows(came_with):
            return None
        return (event(str(at), body) for at, body in self.transcript.after(came_with.position))

    def _knows(self, event_id: EventId) -> bool:
        known = max(self._cursor, self.transcript.position)
        return event_id.state == self.transcript.state and event_id.position <= known

    @property
    def _stored_as(self) -> str:
        return self._record.stored_as if self._record else self._meeting_id

    @property
    def _look(self) -> Look:
        record, standing_in = self._record, sharing(self._streams)
        segments = self.transcript.first_of_each
        return Look(
            opened_at_ms=record.opened_at_ms if record else 0,
            stored_as=self._stored_as,
            epoch_ms=meeting_epoch_ms(segments),
            speaker_names=record.speaker_names if record else {},
            sharing=tuple(standing_in) if len(standing_in) > 1 else (),
            connected=connections(self._streams, segments),
        )

    def _is_gone(self) -> bool:
        return self._record is None and not self._streams

    def _read_meeting(self) -> tuple[Meeting | None, list[StreamRecord]]:
        record = self._stored.meetings.get(self._tenant, self._meeting_id)
        return record, self._stored.streams.of_meeting(self._tenant, self._meeting_id)

    def _load(self) -> tuple[LiveTranscript, str]:
        """The transcription that is shown, and the cursor behind it."""
        found = self._stored.transcripts.changes(self._tenant, self._stored_as, after="")
        transcript = LiveTranscript()
        transcript.load(found.changes)
        return transcript, found.cursor

    def _refresh_meeting(self) -> None:
        stored_as, was_gone = self._stored_as, self._is_gone()
        record, streams = self._read_meeting()
        with self.changed:
            is_same = (record, streams) == (self._record, self._streams)
            self._record, self._streams = record, streams
            if self._is_gone() and not was_gone:
                self.is_deleted = True
                self.changed.notify_all()
        if self.is_deleted or is_same:
            return
        loaded = self._load() if self._stored_as != stored_as else None
        with self.changed:
            if loaded:
                self._begin(*loaded)
            else:
                self._show()
            self._tell()
            self.changed.notify_all()

    def _begin(self, transcript: LiveTranscript, cursor: str) -> None:
        """With a transcription of which no reader has anything yet."""
        self.transcript, self._cursor, self._news = transcript, cursor, (0, 0, b"")
        self.beginnings += 1
        transcript.show(self._look, self._streams)

    def _show(self) -> None:
        """Everything by the meeting as it is now. Where the clock is another one, nothing is right any more that readers have."""
        look = self._look
        if look == self.transcript.look:
            return
        if look.epoch_ms != self.transcript.look.epoch_ms:
            self.beginnings += 1
        self.transcript.show(look, self._streams)

    def _tell(self) -> None:
        segments = list(self.transcript.current.values())
        meeting = self._record or unrecorded(self._tenant, self._meeting_id, self._streams, segments)
        view = meeting_view(StoredMeeting(meeting, self._streams, segments))
        told = LiveMeeting(**msgspec.structs.asdict(view), epoch_ms=self.transcript.look.epoch_ms)
        self.transcript.tell(event_body("meeting", told))
