"""Port: what is known of a meeting besides its streams and words: its name, its settings, what its speakers are called."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """One meeting of one tenant. It is there from its first stream on."""

    tenant: str
    meeting_id: str
    opened_at_ms: int
    """Epoch milliseconds at which its first stream was registered."""
    title: str = ""
    """What people call it."""
    language: str = ""
    """Fixed by people (BCP 47), or empty."""
    detected_language: str = ""
    """What Whisper heard in the meeting's first speech, once it has; later segments are asked for in it."""
    vocabulary: tuple[str, ...] = ()
    """Names and terms that Whisper is told to expect."""
    speaker_names: Mapping[str, str] = {}
    """What readers see instead of a speaker's name: by the name that the uploader gave."""
    take: str = ""
    """Which of its transcriptions readers see: empty is the first one; see `stored_as`."""
    audio_erased_at_ms: int | None = None
    """When its audio was erased, and its transcript kept (epoch milliseconds)."""

    @property
    def stored_as(self) -> str:
        """The id under which the shown transcription's segments are stored; see `take_of`."""
        return take_of(self.meeting_id, self.take)


def take_of(meeting_id: str, take: str) -> str:
    """Where another transcription of a meeting is stored: no id of a user has a tilde."""
    return f"{meeting_id}~{take}" if take else meeting_id


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A place in a tenant's meetings: right behind the one that was opened at `opened_at_ms` and has this id."""

    opened_at_ms: int
    meeting_id: str


class MeetingStore(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def open(self, tenant: str, meeting_id: str, opened_at_ms: int) -> None:
        """Make a meeting; one that is there already stays as it is."""
        ...

    def get(self, tenant: str, meeting_id: str) -> Meeting | None:
        """One meeting, or None."""
        ...

    def change(self, tenant: str, meeting_id: str, change: Callable[[Meeting], Meeting]) -> Meeting | None:
        """Replace a meeting by what `change` makes of it; atomic: `change` is asked again where another writer was faster.

        Returns the meeting as it is now; None when there is none. `change` leaves tenant, id and `opened_at_ms` as they are.
        """
        ...

    def page(self, tenant: str, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        """A tenant's meetings, the newest first (by `opened_at_ms`, then id, both descending), from right behind `after`."""
        ...

    def opened_before(self, tenant: str, at_ms: int, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        """A tenant's meetings that were opened before `at_ms`, the oldest first (by `opened_at_ms`, then id), from right behind `after`."""
        ...

    def tenants(self) -> list[str]:
        """Every tenant that has meetings, or had some."""
        ...

    def delete(self, tenant: str, meeting_id: str) -> None:
        """Forget a meeting; forgetting what is not there is no error."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when the store can't be reached (readiness)."""
        ...
