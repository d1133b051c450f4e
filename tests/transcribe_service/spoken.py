"""Transcripts to test with, as examples and as hypothesis strategies."""

from hypothesis import strategies as st

from common.ports.stream_registry import Gap, StreamRecord, StreamSummary
from common.ports.transcript_store import SegmentTranscript, Word

EPOCH_MS = 1_700_000_000_000
NASTY = [
    "-->",
    "00:00:01,000 --> 00:00:02,000",
    "<b>",
    "&amp;",
    "a\n\nb",
    "1",
    "\x00",
    "x" * 100,
    "é",
    "\u2028",
    "</v>",
]
texts = st.sampled_from(["so", "then", "we", "measured", "it."]) | st.sampled_from(NASTY) | st.text(max_size=60)
names = (
    st.none() | st.sampled_from(["Ada", "Grace Hopper", "", "a > b & <c>", "line\nbreak -->"]) | st.text(max_size=30)
)


def segment(
    *words: tuple[str, int, int, str | None],
    connection: str = "c1",
    start_ms: int = 0,
    end_ms: int = 10_000,
    final: bool = True,
    revision: int = 1,
    offset_ms: int = EPOCH_MS,
    language: str = "en",
    channel: int = 0,
) -> SegmentTranscript:
    return SegmentTranscript(
        tenant="default",
        meeting_id="m1",
        connection_id=connection,
        segment_id=f"{connection}:{channel}:{start_ms}",
        channel=channel,
        revision=revision,
        final=final,
        start_ms=start_ms,
        end_ms=end_ms,
        epoch_offset_ms=offset_ms,
        language=language,
        words=tuple(Word(text, start, end, 0.9, speaker) for text, start, end, speaker in words),
    )


def stream(connection: str = "c1", *, segments: int | None = None, gaps: tuple[Gap, ...] = ()) -> StreamRecord:
    """An open stream, or a closed one that has `segments` final segments."""
    summary = None
    if segments is not None:
        summary = StreamSummary(
            closed_at_ms=EPOCH_MS + 60_000,
            chunks=20,
            audio_ms=60_000,
            segments=segments,
            segment_ms=50_000,
            silence_skipped_ms=10_000,
            gaps=gaps,
        )
    return StreamRecord(
        tenant="default", meeting_id="m1", connection_id=connection, opened_at_ms=EPOCH_MS, summary=summary
    )


@st.composite
def spoken_segments(draw: st.DrawFn) -> SegmentTranscript:
    at_ms = start_ms = draw(st.integers(0, 5_000_000))
    words = []
    for text, pause_ms, length_ms, speaker in draw(
        st.lists(st.tuples(texts, st.integers(0, 3000), st.integers(0, 9000), names), max_size=30)
    ):
        words.append((text, at_ms + pause_ms, at_ms + pause_ms + length_ms, speaker))
        at_ms += pause_ms + length_ms
    return segment(
        *words,
        connection=draw(st.sampled_from(["c1", "c2"])),
        start_ms=start_ms,
        end_ms=at_ms,
        final=draw(st.booleans()),
        offset_ms=EPOCH_MS + draw(st.integers(-100_000, 100_000)),
        language=draw(st.sampled_from(["en", "ja", "", "chinese"])),
    )


meetings = st.lists(spoken_segments(), max_size=5)
