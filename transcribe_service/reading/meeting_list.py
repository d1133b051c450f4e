"""A tenant's meetings, page by page, the newest first. Pure."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from common.openapi.described import IdText
from common.ports.meeting_store import Cursor, Meeting
from common.ports.stream_registry import StreamRecord
from transcribe_service.reading.cursors import cursor_of
from transcribe_service.reading.utterances import wall_clock


class ListPlace(msgspec.Struct, frozen=True, array_like=True):
    """A `Cursor` as it comes back from a reader, with the rules that it must keep."""

    opened_at_ms: Annotated[int, Meta(ge=0, le=10**15 - 1)]
    meeting_id: IdText


class ListedMeeting(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting in a list."""

    meeting_id: str
    title: str
    """What people call it; may be empty."""
    opened_at: str
    """When its first stream was registered, ISO 8601 in UTC."""
    state: Literal["open", "closed"]
    """`open`: one of its streams is."""


class MeetingPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some meetings, the newest first."""

    meetings: tuple[ListedMeeting, ...]
    next: str | None
    """The `cursor` of the page behind this one; None: there is none."""


def meeting_page(found: Sequence[Meeting], limit: int, streams: Sequence[StreamRecord]) -> MeetingPage:
    """The first `limit` of `found`, which has one more where there are more; `streams` are all that they have."""
    shown = found[:limit]
    open_ = {stream.meeting_id for stream in streams if stream.summary is None}
    return MeetingPage(
        meetings=tuple(
            ListedMeeting(
                meeting_id=meeting.meeting_id,
                title=meeting.title,
                opened_at=wall_clock(meeting.opened_at_ms),
                state="open" if meeting.meeting_id in open_ else "closed",
            )
            for meeting in shown
        ),
        next=cursor_of(Cursor(shown[-1].opened_at_ms, shown[-1].meeting_id)) if len(found) > limit else None,
    )
