"""A meeting as readers see it: what people say of it, and how far its transcript is. Pure."""

import msgspec

from transcribe_service.reading.stored_meeting import StoredMeeting
from transcribe_service.reading.transcript import MeetingStatus, meeting_status
from transcribe_service.reading.utterances import wall_clock


class MeetingView(MeetingStatus, frozen=True, kw_only=True):
    """One meeting."""

    title: str
    """What people call it; may be empty."""
    opened_at: str
    """When its first stream was registered, ISO 8601 in UTC."""
    language: str
    """Fixed by people (BCP 47); empty: Whisper detects it."""
    vocabulary: tuple[str, ...]
    """Names and terms that Whisper is told to expect."""
    speaker_names: dict[str, str]
    """What readers see instead of a speaker's name: by the name that the uploader gave."""


def meeting_view(stored: StoredMeeting) -> MeetingView:
    """What readers see of `stored`."""
    meeting = stored.meeting
    status = meeting_status(meeting.meeting_id, stored.streams, stored.segments)
    return MeetingView(
        **msgspec.structs.asdict(status),
        title=meeting.title,
        opened_at=wall_clock(meeting.opened_at_ms),
        language=meeting.language,
        vocabulary=meeting.vocabulary,
        speaker_names=dict(meeting.speaker_names),
    )
