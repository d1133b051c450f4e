from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnscribe.client import Interval
from turnscribe.demo.speakers import (
    GroundTruth,
    Turn,
    UnreadableSpeakers,
    interval_windows,
    load_ground_truth,
    mask_windows,
)

names = st.sampled_from(["Ann", "Bob", "Cid"])
turns = st.builds(
    lambda speaker, start, length: Turn(speaker, start / 10, (start + length) / 10),
    names,
    st.integers(0, 200),
    st.integers(1, 50),
)
truths = st.builds(lambda each: GroundTruth(tuple(each)), st.lists(turns, max_size=8))


def _spoken(truth: GroundTruth, speaker: str, at_ms: int) -> bool:
    return any(turn.speaker == speaker and turn.start * 1000 <= at_ms < turn.end * 1000 for turn in truth.turns)


@given(truths, st.sampled_from([0, 500, 1000, 2300]))
def test_bits_show_what_was_said_the_delay_before(truth: GroundTruth, delay_ms: int) -> None:
    duration_ms = 25_000
    windows = mask_windows(truth, duration_ms, delay_ms=delay_ms)
    assert [window.end_ms for window in windows] == list(range(1000, windows[-1].end_ms + 1, 1000))
    assert duration_ms + delay_ms <= windows[-1].end_ms < duration_ms + delay_ms + 1000
    for window in windows:
        for speaker, bits in window.masks:
            assert len(bits) == 10
            for number, bit in enumerate(bits):
                middle_ms = window.end_ms - 1000 + number * 100 + 50 - delay_ms
                assert (bit == "1") == _spoken(truth, speaker, middle_ms)


@given(truths, st.integers(100, 26_000))
def test_intervals_cover_the_recording_and_say_what_the_turns_say(truth: GroundTruth, duration_ms: int) -> None:
    windows = interval_windows(truth, duration_ms)
    assert windows[0].start_ms == 0
    assert windows[-1].end_ms == duration_ms
    assert all(one.end_ms == two.start_ms for one, two in pairwise(windows))
    for window in windows:
        for interval in window.intervals:
            assert window.start_ms <= interval.start_ms < interval.end_ms <= window.end_ms
    told_ms = sum(each.end_ms - each.start_ms for window in windows for each in window.intervals)
    said_ms = sum(
        max(0, min(round(turn.end * 1000), duration_ms) - min(round(turn.start * 1000), duration_ms))
        for turn in truth.turns
    )
    assert told_ms == said_ms


def test_a_turn_over_a_window_s_edge_is_told_in_both() -> None:
    windows = interval_windows(GroundTruth((Turn("Ann", 0.5, 1.5),)), 2000)
    assert [window.intervals for window in windows] == [(Interval("Ann", 500, 1000),), (Interval("Ann", 1000, 1500),)]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "speakers.json"),
        ("{}", "turns"),
        ('{"turns": [{"speaker": "Ann", "start": "x", "end": 2}]}', "start"),
        ('{"turns": [{"speaker": "Ann", "start": 2, "end": 2}]}', "turn 0"),
        ('{"turns": [{"speaker": "Ann", "start": -1, "end": 2}]}', "turn 0"),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path: Path, content: str, what: str) -> None:
    path = tmp_path / "speakers.json"
    path.write_text(content)
    with pytest.raises(UnreadableSpeakers, match=what):
        load_ground_truth(path)


def test_text_is_optional(tmp_path: Path) -> None:
    path = tmp_path / "speakers.json"
    path.write_text('{"turns": [{"speaker": "Ann", "start": 0, "end": 2}], "more": 1}')
    truth = load_ground_truth(path)
    assert truth.speakers == ("Ann",)
    assert not truth.has_text
