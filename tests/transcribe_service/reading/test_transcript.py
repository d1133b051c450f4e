from collections.abc import Sequence

import msgspec
import pytest

from common.ports.stream_registry import Gap, StreamRecord
from common.ports.transcript_store import SegmentTranscript
from tests.transcribe_service.spoken import segment, stream
from transcribe_service.reading.transcript import meeting_status, settled_segments, transcript

FIRST = segment(("final", 0, 300, "Ada"))
SECOND = segment(("also", 10_000, 10_300, "Ada"), start_ms=10_000, end_ms=20_000)
LIVE = segment(("live", 20_000, 20_300, None), start_ms=20_000, end_ms=25_000, final=False)


@pytest.mark.parametrize(
    ("streams", "segments", "complete"),
    [
        ([stream()], [FIRST], False),
        ([stream(segments=2)], [FIRST], False),
        ([stream(segments=2)], [FIRST, LIVE], False),
        ([stream(segments=2)], [FIRST, SECOND], True),
        ([stream(segments=2), stream("c2")], [FIRST, SECOND], False),
        ([stream(segments=2), stream("c2", segments=1)], [FIRST, SECOND], False),
        ([stream(segments=2), stream("c2", segments=0)], [FIRST, SECOND], True),
        ([stream(segments=0)], [], True),
        ([], [], False),
    ],
)
def test_complete_means_that_nothing_is_missing(
    streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript], complete: bool
) -> None:
    assert meeting_status("m1", streams, segments).complete is complete


def test_the_account_names_gaps_and_silence() -> None:
    gap = Gap(3, 4, 9000, 15_000)
    closed, still_open = meeting_status("m1", [stream(segments=1, gaps=(gap,)), stream("c2")], [FIRST]).streams
    assert (closed.state, closed.gaps, closed.audio_ms, closed.silence_skipped_ms) == ("closed", (gap,), 60_000, 10_000)
    assert (closed.segments, closed.segments_expected) == (1, 1)
    assert (still_open.state, still_open.audio_ms, still_open.segments_expected) == ("open", None, None)


def test_the_account_says_how_many_words_were_not_believed_and_why() -> None:
    final = msgspec.structs.replace(FIRST, dropped={"repetition": 7, "no_speech": 2})
    other = msgspec.structs.replace(SECOND, dropped={"no_speech": 1})
    live = msgspec.structs.replace(LIVE, dropped={"no_speech": 100})
    mine, another = meeting_status("m1", [stream(), stream("c2")], [final, other, live]).streams
    assert mine.words_dropped == {"no_speech": 3, "repetition": 7}
    assert another.words_dropped == {}


@pytest.mark.parametrize(
    ("expected", "provisional", "said"),
    [
        (None, None, ["final", "also", "live"]),
        (None, False, ["final", "also"]),
        (2, None, ["final", "also"]),
        (2, True, ["final", "also", "live"]),
    ],
)
def test_live_revisions_are_shown_while_the_transcript_grows(
    expected: int | None, provisional: bool | None, said: list[str]
) -> None:
    found = transcript("m1", [stream(segments=expected)], [FIRST, SECOND, LIVE], provisional=provisional)
    assert [each.text for each in found.utterances] == said
    assert [each.final for each in found.utterances] == [text != "live" for text in said]


def test_the_clock_does_not_depend_on_what_is_shown() -> None:
    live_first = segment(("live", 0, 300, None), connection="c2", final=False)
    later = segment(("final", 0, 300, None), offset_ms=FIRST.epoch_offset_ms + 5000)
    for provisional in (True, False):
        found = transcript("m1", [stream(), stream("c2")], [live_first, later], provisional=provisional)
        assert found.utterances[-1].start_ms == 5000


def test_a_live_revision_gives_way_to_a_final_segment_that_begins_later() -> None:
    stale = segment(("Hel", 100, 300, None), final=False, end_ms=9000)
    final = segment(("Hello", 600, 900, "Ada"), start_ms=512, end_ms=8000)
    other_channel = segment(("Yes", 600, 900, None), final=False, channel=1)
    touching = segment(("next", 8000, 8200, None), start_ms=8000, end_ms=12_000, final=False)
    assert settled_segments([stale, final, other_channel, touching]) == [final, other_channel, touching]
