"""What webhooks are sent: the Standard Webhooks' `{type, timestamp, data}`. Pure."""

from typing import Final, Literal
from urllib.parse import quote

import msgspec

from common.ports.meeting_store import Meeting
from transcribe_service.delivery.content import Said
from transcribe_service.reading.utterances import Utterance, wall_clock


class SegmentData(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a segment. Of two, the one that is later in (`generation`, `final`, `revision`, `labels`) is the newer one."""

    meeting_id: str
    segment_id: str
    connection_id: str
    channel: int
    generation: int
    """How often the connection had been replayed from its chunks."""
    revision: int
    labels: int
    """How often its words were given speakers anew."""
    final: bool
    """A final segment replaces every live one of the same connection and channel that it overlaps."""
    start_ms: int
    """On the meeting's clock, as all times of the utterances."""
    end_ms: int
    epoch_ms: int
    """Epoch milliseconds at which the meeting's clock is 0."""
    language: str
    utterances: tuple[Utterance, ...]
    """As readers get them; none where nothing was said."""
    refused: str
    """Why Whisper would not take its audio; empty where it did."""


class SegmentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A segment was transcribed, or its speakers became known better."""

    type: Literal["transcript.segment"]
    timestamp: str
    data: SegmentData


class CompletedData(msgspec.Struct, frozen=True, kw_only=True):
    """A meeting whose transcript is complete."""

    meeting_id: str
    title: str
    transcript: str
    """Path of its transcript on this server."""


class CompletedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Every stream of a meeting is closed, and all of it is transcribed. Comes again where late audio made it complete anew."""

    type: Literal["meeting.completed"]
    timestamp: str
    data: CompletedData


class PingData(msgspec.Struct, frozen=True, kw_only=True):
    """Says only that it came."""

    webhook_id: str


class PingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody tries whether messages arrive."""

    type: Literal["ping"]
    timestamp: str
    data: PingData


MESSAGES: Final = (SegmentMessage, CompletedMessage, PingMessage)


def segment_body(said: Said, meeting_id: str, happened_at_ms: int) -> bytes:
    """Body of a segment's message."""
    segment = said.segment
    shift_ms = segment.epoch_offset_ms - said.epoch_ms
    data = SegmentData(
        meeting_id=meeting_id,
        segment_id=segment.segment_id,
        connection_id=segment.connection_id,
        channel=segment.channel,
        generation=segment.generation,
        revision=segment.revision,
        labels=segment.labels,
        final=segment.final,
        start_ms=segment.start_ms + shift_ms,
        end_ms=segment.end_ms + shift_ms,
        epoch_ms=said.epoch_ms,
        language=segment.language,
        utterances=said.utterances,
        refused=segment.refused,
    )
    return _encoded(SegmentMessage(type="transcript.segment", timestamp=wall_clock(happened_at_ms), data=data))


def completed_body(meeting: Meeting, happened_at_ms: int) -> bytes:
    """Body of a completion's message."""
    path = f"/v1/meetings/{quote(meeting.meeting_id, safe='')}/transcript"
    data = CompletedData(meeting_id=meeting.meeting_id, title=meeting.title, transcript=path)
    return _encoded(CompletedMessage(type="meeting.completed", timestamp=wall_clock(happened_at_ms), data=data))


def ping_body(webhook_id: str, now_ms: int) -> bytes:
    """Body of a ping."""
    return _encoded(PingMessage(type="ping", timestamp=wall_clock(now_ms), data=PingData(webhook_id=webhook_id)))


def _encoded(message: SegmentMessage | CompletedMessage | PingMessage) -> bytes:
    return msgspec.json.encode(message)
