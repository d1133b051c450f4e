"""A lane's frames, account and holes."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segmenter_service.lane import LONG_SILENCE_SAMPLES, Lane
from segmenter_service.voice_activity import FRAME_SAMPLES
from tests.segmenter_service.stage import LoudnessScorer, silence, tone

SCORER = LoudnessScorer()


@given(st.lists(st.integers(0, 2_000), max_size=30))
def test_the_same_audio_in_any_pieces_has_the_same_frames(lengths: list[int]) -> None:
    audio = np.concatenate([tone(1), silence(1), tone(1)])
    whole, pieces = Lane(channel=0), Lane(channel=0)
    whole.hear(0, audio, SCORER)
    edges = [0, *np.clip(np.cumsum(lengths), 0, len(audio)).tolist(), len(audio)]
    for begin, end in pairwise(edges):
        pieces.hear(begin, audio[begin:end], SCORER)
    assert pieces == whole


def test_what_was_heard_before_is_not_heard_again() -> None:
    audio = tone(2)
    once, again = Lane(channel=0), Lane(channel=0)
    once.hear(0, audio, SCORER)
    again.hear(0, audio[:20_000], SCORER)
    again.hear(10_000, audio[10_000:], SCORER)
    assert again == once


@given(st.integers(1, 3 * LONG_SILENCE_SAMPLES), st.integers(1, 5_000))
def test_a_hole_is_silence_of_its_length(hole: int, before: int) -> None:
    lane = Lane(channel=0)
    lane.hear(0, tone(1)[:before], SCORER)
    lane.hear(before + hole, tone(1), SCORER)
    assert lane.scored_samples == before + hole + 16_000
    assert lane.end_frame == lane.scored_samples // FRAME_SAMPLES
    first, last = -(-before // FRAME_SAMPLES), (before + hole) // FRAME_SAMPLES
    assert not any(lane.activity[first:last])
    assert lane.activity[-1] == 255


def test_cuts_and_skips_account_for_every_frame() -> None:
    lane = Lane(channel=0)
    lane.hear(0, np.concatenate([silence(1), tone(2)]), SCORER)
    lane.finish(SCORER)
    total = lane.end_frame
    lane.skip(20)
    lane.revision = 3
    lane.cut(60)
    lane.pass_over(total)
    assert (lane.silence_frames, lane.segment_frames, lane.segments) == (20 + total - 60, 40, 1)
    assert (lane.start_frame, lane.activity, lane.revision) == (total, b"", 0)


def test_finishing_completes_the_last_frame() -> None:
    lane = Lane(channel=0)
    lane.hear(0, tone(0.05), SCORER)
    lane.finish(SCORER)
    assert lane.scored_samples == 2 * FRAME_SAMPLES
    lane.finish(SCORER)
    assert len(lane.activity) == 2
