"""The transcript of a meeting, assembled from its stored segments and its streams' records. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from common.ports.stream_registry import Gap, StreamRecord
from common.ports.transcript_store import SegmentTranscript
from transcribe_service.connections.coverage import shown_words, waiting_for_words
from transcribe_service.connections.presence import connections
from transcribe_service.reading.selection import EVERYTHING, Selection
from transcribe_service.reading.utterances import NOT_RENAMED, Utterance, meeting_epoch_ms, utterances


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """One connection's account. What is only known at its end is None while it is open."""

    connection_id: str
    state: Literal["open", "closed"]
    channels: Literal["mix", "separate"]
    """`separate`: every audio channel is a speaker of its own, and lengths are summed over them."""
    audio_ms: int | None
    silence_skipped_ms: int | None
    gaps: tuple[Gap, ...]
    quarantined: int
    """Chunks that could not be read."""
    segments: int
    """Final segments that are stored."""
    segments_expected: int | None
    segments_refused: int
    """Of the stored ones: those whose audio Whisper would not take. Their words are missing."""
    words_dropped: Mapping[str, int] = {}
    """How many words of Whisper were not believed in the stored ones, by reason."""


class MeetingStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a meeting's transcript is."""

    meeting_id: str
    complete: bool
    """True when every stream is closed and all its final segments are stored, each with its words or covered by another stream."""
    streams: tuple[StreamState, ...]


class Transcript(MeetingStatus, frozen=True, kw_only=True):
    """What was said, by whom and when."""

    utterances: tuple[Utterance, ...]


def meeting_status(
    meeting_id: str, streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript]
) -> MeetingStatus:
    """The status of a meeting with these streams and stored segments."""
    generations = {stream.connection_id: stream.generation for stream in streams}
    finals = Counter(
        segment.connection_id
        for segment in segments
        if segment.final and segment.generation == generations.get(segment.connection_id)
    )
    refused = Counter(segment.connection_id for segment in segments if segment.refused)
    dropped = _words_dropped(segments)
    states = tuple(
        _state(
            stream,
            finals[stream.connection_id],
            refused[stream.connection_id],
            dropped.get(stream.connection_id, Counter()),
        )
        for stream in streams
    )
    complete = (
        bool(states)
        and all(state.segments_expected is not None and state.segments >= state.segments_expected for state in states)
        and not waiting_for_words(streams, segments)
    )
    return MeetingStatus(meeting_id=meeting_id, complete=complete, streams=states)


def transcript(
    meeting_id: str,
    streams: Sequence[StreamRecord],
    segments: Sequence[SegmentTranscript],
    *,
    provisional: bool | None = None,
    names: Mapping[str, str] = NOT_RENAMED,
    wanted: Selection = EVERYTHING,
) -> Transcript:
    """What is `wanted` of a meeting's transcript, with its speakers as `names` call them.

    `provisional` says whether live revisions are in it; None: while the transcript is not complete.
    """
    status = meeting_status(meeting_id, streams, segments)
    with_live = provisional if provisional is not None else not status.complete
    shown = settled_segments(segments) if with_live else [segment for segment in segments if segment.final]
    return Transcript(
        meeting_id=meeting_id,
        complete=status.complete,
        streams=status.streams,
        utterances=utterances(
            shown_words(streams, segments, shown),
            meeting_epoch_ms(segments),
            names,
            wanted,
            connections(streams, segments),
        ),
    )


def settled_segments(segments: Sequence[SegmentTranscript]) -> list[SegmentTranscript]:
    """`segments` without provisional ones that a final segment of the same channel overlaps.

    A final segment may begin later than its provisional revisions did, and then has another id; what it covers is said.
    """
    finals = [segment for segment in segments if segment.final]
    return [segment for segment in segments if segment.final or not any(_overlap(segment, each) for each in finals)]


def _overlap(one: SegmentTranscript, other: SegmentTranscript) -> bool:
    return (
        (one.connection_id, one.channel) == (other.connection_id, other.channel)
        and one.start_ms < other.end_ms
        and other.start_ms < one.end_ms
    )


def _words_dropped(segments: Sequence[SegmentTranscript]) -> dict[str, Counter[str]]:
    """By connection and reason, in final segments."""
    dropped: dict[str, Counter[str]] = {}
    for segment in segments:
        if segment.final and segment.dropped:
            dropped.setdefault(segment.connection_id, Counter()).update(segment.dropped)
    return dropped


def _state(stream: StreamRecord, finals: int, refused: int, words_dropped: Mapping[str, int]) -> StreamState:
    summary = stream.summary
    return StreamState(
        connection_id=stream.connection_id,
        state="closed" if summary else "open",
        channels=stream.options.channels,
        audio_ms=summary.audio_ms if summary else None,
        silence_skipped_ms=summary.silence_skipped_ms if summary else None,
        gaps=summary.gaps if summary else (),
        quarantined=summary.quarantined if summary else 0,
        segments=finals,
        segments_expected=summary.segments if summary else None,
        segments_refused=refused,
        words_dropped=dict(sorted(words_dropped.items())),
    )
