"""How `bench.captions` counts: a word is new once, and from when it was spoken."""

from pathlib import Path

from bench.captions import Shown, delays, report
from turnscribe.demo.recording import Piece, Recording
from turnscribe.live_events import SegmentNow
from turnscribe.schema import Utterance, Word


def segment(*ends_ms: int, revision: int = 1) -> SegmentNow:
    words = tuple(Word(text="word", start_ms=end_ms - 200, end_ms=end_ms, probability=0.9) for end_ms in ends_ms)
    utterance = Utterance(
        text="", start_ms=0, end_ms=ends_ms[-1], connection_id="c", segment_id="c:0:0", final=False, words=words
    )
    return SegmentNow(
        segment_id="c:0:0",
        connection_id="c",
        channel=0,
        revision=revision,
        final=False,
        start_ms=0,
        end_ms=ends_ms[-1],
        utterances=(utterance,),
    )


def test_a_word_is_new_once() -> None:
    shown = Shown()
    shown.show(segment(400, 800), 1.0)
    shown.show(segment(400, 800, 1_200, revision=2), 3.0)
    assert shown.words == [(400, 1.0), (800, 1.0), (1_200, 3.0)]


def test_delays_count_from_the_word_and_from_the_arrival_of_its_chunk() -> None:
    pieces = (Piece(0, 0, 10, 1_000), Piece(1, 10, 20, 2_000))
    recording = Recording(Path("talk.webm"), b"", "audio/webm", 2_000, pieces)
    shown = Shown(began_s=10.0)
    shown.show(segment(400), 12.0)
    shown.show(segment(1_600), 14.0)
    result = report("embedded", recording, [shown], 1_000, 5.0)
    assert result.words == 2
    assert (result.after_spoken.p50_ms, result.after_spoken.p95_ms) == (1_600, 2_400)
    assert (result.after_arrival.p50_ms, result.after_arrival.p95_ms) == (1_000, 2_000)
    assert result.unavoidable_ms == 3_000
    assert result.ratio == 0.53


def test_percentiles_are_of_what_was_seen() -> None:
    assert delays([5.0, 1.0, 3.0]).p50_ms == 3.0
    assert delays([1.0]).p95_ms == 1.0
