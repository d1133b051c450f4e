"""The shapes of what the server answers about whole meetings. Unknown members are ignored, so that servers may add some."""

from typing import Literal

import msgspec


class ListedMeeting(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting, as the list has it."""

    meeting_id: str
    title: str = ""
    opened_at: str = ""
    """ISO 8601."""
    state: Literal["open", "closed"]


class MeetingPage(msgspec.Struct, frozen=True):
    """Some meetings, and where the next ones are; None at the end."""

    meetings: tuple[ListedMeeting, ...]
    next: str | None = None


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a deleted meeting, by kind; each counted up to 1,000."""

    objects: int
    """What was uploaded."""
    segments: int
    """What was made of it."""
    hot_state: int
    """Connections with state in Redis, as far as anybody knows."""
    records: int
    """Transcribed segments, and what is known of the meeting."""


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """How far a deletion is."""

    deletion_id: str
    meeting_id: str
    state: Literal["running", "complete"]
    complete: bool
    """Listings found nothing that is left."""
    requested_at: str = ""
    completed_at: str | None = None
    left: Left


class ReplayedStream(msgspec.Struct, frozen=True, kw_only=True):
    """How far the replay of one connection is."""

    connection_id: str
    generation: int
    """How often it was replayed, this time included."""
    segments: int
    segments_expected: int | None = None
    """None until all of it is cut."""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """How far a meeting's last replay is."""

    meeting_id: str
    state: Literal["running", "complete"]
    requested_at: str = ""
    completed_at: str | None = None
    streams: tuple[ReplayedStream, ...] = ()


class Retranscription(msgspec.Struct, frozen=True, kw_only=True):
    """How far another transcription of a meeting is. Readers see it once it is complete, and the one before until then."""

    take: str
    meeting_id: str
    state: Literal["running", "complete", "failed"]
    reason: str = ""
    """Why it failed; the one before is what readers see."""
    model: str = ""
    language: str = ""
    vocabulary: tuple[str, ...] = ()
    segments: int = 0
    segments_expected: int = 0
    requested_at: str = ""
    finished_at: str | None = None


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """For how many days, from when a meeting was opened, its audio and its transcript are kept; None is for ever."""

    audio_days: int | None
    transcript_days: int | None
