"""What a delivery has to say, read when it is said: nothing of a transcript is stored a second time."""

from dataclasses import dataclass

from common.ports.delivery_store import Delivery
from common.ports.meeting_store import Meeting, take_of
from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import SegmentTranscript, rank_of
from transcribe_service.connections.coverage import shown_words
from transcribe_service.connections.presence import connections
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.reading.transcript import settled_segments
from transcribe_service.reading.utterances import NOT_RENAMED, Utterance, meeting_epoch_ms, utterances


class NothingToSay(Exception):
    """There is nothing (any more) to be told. The message is a slug."""


@dataclass(frozen=True, slots=True)
class Said:
    """A segment as readers see it."""

    segment: SegmentTranscript
    utterances: tuple[Utterance, ...]
    epoch_ms: int
    """Epoch milliseconds at which the meeting's clock is 0."""
    source: str
    """Where the meeting takes place, as the uploader said."""


@dataclass(frozen=True, slots=True)
class Content:
    """Reads it. Vendor failures surface as `Retryable`."""

    stored: StoredMeetings

    def segment(self, delivery: Delivery) -> Said:
        """The segment of a delivery. Raises `NothingToSay` where it is gone, or a newer version is stored: that has its own message."""
        tenant, meeting_id = delivery.tenant, delivery.meeting_id
        stored_as = take_of(meeting_id, delivery.take)
        segment = self.stored.transcripts.get(tenant, stored_as, delivery.segment_id)
        if segment is None:
            raise NothingToSay("gone")
        if rank_of(segment) > delivery.rank:
            raise NothingToSay("superseded")
        if segment.standby:
            raise NothingToSay("standby")
        streams = self.stored.streams.of_meeting(tenant, meeting_id)
        others = len(streams) > 1
        segments = self.stored.transcripts.segments(tenant, stored_as) if others else [segment]
        shown = _among_others(streams, segments, segment) if others else segment
        epoch_ms = meeting_epoch_ms([*segments, segment])
        meeting = self.stored.meetings.get(tenant, meeting_id)
        said = utterances(
            [shown],
            epoch_ms,
            meeting.speaker_names if meeting else NOT_RENAMED,
            connected=connections(streams, segments),
        )
        return Said(segment, said, epoch_ms, _source(streams, segment.connection_id))

    def meeting(self, delivery: Delivery) -> Meeting:
        """The meeting of a delivery. Raises `NothingToSay` where it is gone."""
        found = self.stored.meetings.get(delivery.tenant, delivery.meeting_id)
        if found is None:
            raise NothingToSay("gone")
        return found


def _among_others(
    streams: list[StreamRecord], segments: list[SegmentTranscript], segment: SegmentTranscript
) -> SegmentTranscript:
    """The segment with those of its words that readers see: at a take-over that depends on what the others heard."""
    before = [each for each in settled_segments(segments) if each.segment_id != segment.segment_id]
    return shown_words(streams, segments, [*before, segment])[-1]


def _source(streams: list[StreamRecord], connection_id: str) -> str:
    return next((each.options.source for each in streams if each.connection_id == connection_id), "")
