"""Everything that is stored of one meeting, as readers may see it: the shown transcription of its segments, and no other."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.ports.meeting_store import Meeting, MeetingStore
from common.ports.stream_registry import StreamRecord, StreamRegistry
from common.ports.transcript_store import SegmentTranscript, TranscriptStore
from common.problems import Problem
from transcribe_service.reading.generations import without_replaced


@dataclass(frozen=True, slots=True)
class StoredMeeting:
    """A meeting with its streams, in the order in which they were opened, and its segments, in order of time."""

    meeting: Meeting
    streams: Sequence[StreamRecord]
    segments: Sequence[SegmentTranscript]


@dataclass(frozen=True, slots=True)
class StoredMeetings:
    """Reads meetings out of the three stores. Vendor failures surface as `Retryable`."""

    transcripts: TranscriptStore
    streams: StreamRegistry
    meetings: MeetingStore

    def read(self, tenant: str, meeting_id: str) -> StoredMeeting:
        """All of it. Raises a 404 `Problem` where there is nothing."""
        found = self.meetings.get(tenant, meeting_id)
        streams = self.streams.of_meeting(tenant, meeting_id)
        segments = without_replaced(self.transcripts.segments(tenant, found.stored_as if found else meeting_id))
        if found is None and not streams and not segments:
            raise unknown_meeting()
        return StoredMeeting(found or unrecorded(tenant, meeting_id, streams, segments), streams, segments)


def unrecorded(
    tenant: str, meeting_id: str, streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript]
) -> Meeting:
    """A meeting of which an earlier release kept no record: it was opened with its first stream, or with what was first said."""
    opened = [stream.opened_at_ms for stream in streams] or [
        segment.epoch_offset_ms + segment.start_ms for segment in segments
    ]
    return Meeting(tenant=tenant, meeting_id=meeting_id, opened_at_ms=min(opened, default=0))


def unknown_meeting() -> Problem:
    """404: there is nothing under that id that is this tenant's."""
    return Problem(404, "unknown-meeting", "There is no meeting with this id, or it has no stream yet.")
