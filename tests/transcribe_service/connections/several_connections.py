"""Meetings that several connections hear, as examples and as hypothesis strategies: which words were said is known."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import msgspec
from hypothesis import strategies as st

from common.events import StreamOptions
from common.ports.stream_registry import Gap, StreamRecord, StreamSummary
from common.ports.transcript_store import SegmentTranscript, Word
from tests.transcribe_service.spoken import EPOCH_MS
from transcribe_service.connections.coverage import primacy

Said = tuple[str, int, int]
"""A word and its time, in milliseconds since the meeting began."""


SAID_NOTHING: Sequence[Said] = ()


def connection(
    name: str,
    *,
    opened: int,
    closed: tuple[int, int] | None = None,
    gaps: Sequence[tuple[int, int]] = (),
    mode: Literal["shared", "per_participant"] = "shared",
    participant: str = "",
    user: str = "",
    segments: int = 1,
    untimed: bool = False,
) -> StreamRecord:
    """Opened as the nth; open still, or closed with audio over `closed` (meeting time) but for `gaps`."""
    summary = None
    if closed is not None:
        start, end = closed
        summary = StreamSummary(
            closed_at_ms=EPOCH_MS + end,
            chunks=9,
            audio_ms=end - start,
            segments=segments,
            segment_ms=0,
            silence_skipped_ms=0,
            gaps=tuple(Gap(1, 1, gap_from - start, gap_to - start) for gap_from, gap_to in gaps),
            epoch_offset_ms=EPOCH_MS + start,
        )
    return StreamRecord(
        tenant="default",
        meeting_id="m1",
        connection_id=name,
        opened_at_ms=EPOCH_MS + opened,
        options=StreamOptions(connections=mode, participant=participant, user_id=user, untimed=untimed),
        summary=summary,
    )


def heard_segment(
    name: str,
    start: int,
    end: int,
    said: Sequence[Said] = (),
    *,
    begins: int = 0,
    whole_from: int | None = None,
    skew: int = 0,
    final: bool = True,
    standby: bool = False,
    cut_to_its_own: bool = True,
) -> SegmentTranscript:
    """Of a connection whose stream time 0 is `begins` and whose clock is `skew` late: what it heard of `said`.

    The times of its words are cut to its own, as the worker does.
    """
    words = [
        Word(text, max(at, start) - begins, min(until, end) - begins, 0.9)
        if cut_to_its_own
        else Word(text, at - begins, until - begins, 0.9)
        for text, at, until in said
        if start <= (at + until) // 2 < end
    ]
    return SegmentTranscript(
        tenant="default",
        meeting_id="m1",
        connection_id=name,
        segment_id=f"{name}:0:{start - begins}",
        channel=0,
        revision=1,
        final=final,
        start_ms=start - begins,
        end_ms=end - begins,
        whole_from_ms=None if whole_from is None else whole_from - begins,
        epoch_offset_ms=EPOCH_MS + begins + skew,
        language="en",
        words=tuple(words),
        standby=standby,
    )


def shown(streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript]) -> list[tuple[str, str]]:
    """`(text, connection)` of every word that is shown, in order of time."""
    decided = primacy(streams, segments, segments)
    words = [
        (word.start_ms + each.epoch_offset_ms, word.text, each.connection_id)
        for each in map(decided.shown, segments)
        for word in each.words
    ]
    return [(text, name) for _, text, name in sorted(words)]


def stands_by(segment: SegmentTranscript) -> SegmentTranscript:
    return msgspec.structs.replace(segment, standby=True, words=())


@st.composite
def conversations(draw: st.DrawFn) -> list[Said]:
    """Words that all differ."""
    said, at = [], draw(st.integers(0, 500))
    for number, (pause, length) in enumerate(
        draw(st.lists(st.tuples(st.integers(0, 800), st.integers(80, 600)), min_size=1, max_size=40))
    ):
        said.append((f"word{number}", at + pause, at + pause + length))
        at += pause + length
    return said


def cuts(draw: st.DrawFn, start: int, end: int) -> list[tuple[int, int]]:
    """`[start, end)` in segments."""
    edges = sorted({start, end, *draw(st.lists(st.integers(start, end), max_size=5))})
    return list(pairwise(edges))


@st.composite
def hearings(draw: st.DrawFn, said: list[Said]) -> list[tuple[StreamRecord, list[SegmentTranscript]]]:
    """One to four shared connections, each with what it heard: with gaps, open or closed, all with the same clock.

    Words that are cut off keep their times: which of two pieces of a word is nearer to its middle is no question of taking over.
    """
    length = said[-1][2] + 1000
    found = []
    for number in range(draw(st.integers(1, 4))):
        name, edges = f"c{number}", sorted(draw(st.sets(st.integers(0, length), min_size=2, max_size=6)))
        spans = [(edges[i], edges[i + 1]) for i in range(0, len(edges) - 1, 2)]
        begins, ends = spans[0][0], spans[-1][1]
        gaps = [(a, b) for (_, a), (b, _) in pairwise(spans)]
        segments = [
            heard_segment(name, start, end, said, begins=begins, whole_from=span[0], cut_to_its_own=False)
            for span in spans
            for start, end in cuts(draw, *span)
        ]
        closed = draw(st.booleans())
        record = connection(name, opened=draw(st.integers(0, 3)), closed=(begins, ends) if closed else None, gaps=gaps)
        found.append((record, segments))
    return found
