"""What a watcher of a meeting is sent: the events' data, and how events are written down (server-sent events, WHATWG HTML). Pure."""

from typing import Final

import msgspec

from transcribe_service.reading.meeting_view import MeetingView
from transcribe_service.reading.utterances import Utterance

CONTENT_TYPE: Final = "text/event-stream"
HEARTBEAT: Final = b": \n\n"
"""A comment: who hears nothing for long can't know whether anybody is there."""


class LiveMeeting(MeetingView, frozen=True, kw_only=True):
    """Data of `meeting`: what `GET /v1/meetings/{id}` answers, and the meeting's clock."""

    epoch_ms: int
    """Epoch milliseconds at which the meeting's clock is 0."""


class LiveSegment(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `segment`: what is shown of a segment from now on. Times are on the meeting's clock."""

    segment_id: str
    connection_id: str
    channel: int
    revision: int
    final: bool
    start_ms: int
    end_ms: int
    utterances: tuple[Utterance, ...]


class LiveRemoved(msgspec.Struct, frozen=True):
    """Data of `removed`: nothing is shown of that segment any more."""

    segment_id: str


class LiveEnd(msgspec.Struct, frozen=True):
    """Data of `reset` (forget everything: all follows anew) and of `deleted` (there is no such meeting any more)."""

    meeting_id: str


LiveData = LiveMeeting | LiveSegment | LiveRemoved | LiveEnd


def event_body(name: str, data: LiveData) -> bytes:
    """An event without its id."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))  # JSON has no line ends in it


def event(event_id: str, body: bytes) -> bytes:
    """An event as it is sent."""
    return b"id: %s\n%s" % (event_id.encode(), body)


def retry_hint(pause_ms: int) -> bytes:
    """After how long whoever loses the connection is to come again."""
    return b"retry: %d\n\n" % pause_ms
