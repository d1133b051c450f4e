"""The delay of speaker indications: found where there is one, from audio and indications alone, and left alone where it is right."""

import random
from itertools import pairwise

import fakeredis
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.events import StreamOptions
from segmenter_service.speaker_delay import LATEST_MS, MOVE_MS, SPAN_MS, START_MS, SpeakerDelay
from segmenter_service.voice_activity import FRAME_MS
from tests.segmenter_service.stage import START_MS as BEGAN_MS
from tests.segmenter_service.stage import Stage, silence, split, tone, wav

Talk = list[tuple[int, int]]
"""`(start_ms, end_ms)` of what is said, in whole frames."""


def conversation(seed: int, minutes: float, *, pauses_ms: tuple[int, int] = (400, 2_500)) -> Talk:
    dice = random.Random(seed)
    said: Talk = []
    at = 3_200
    while at < minutes * 60_000:
        length = dice.randrange(600, 9_000, FRAME_MS) // FRAME_MS * FRAME_MS
        said.append((at, at + length))
        at += length + dice.randrange(*pauses_ms) // FRAME_MS * FRAME_MS
    return said


def activity_of(said: Talk) -> bytes:
    frames = bytearray(said[-1][1] // FRAME_MS)
    for start, end in said:
        frames[start // FRAME_MS : end // FRAME_MS] = b"\xff" * ((end - start) // FRAME_MS)
    return bytes(frames)


def heard(delay: SpeakerDelay, activity: bytes, shown_ms: list[int], *, cut_frames: int = 312) -> list[int]:
    """What `delay` is after every cut; cuts come every 10 s."""
    values = []
    for start in range(0, len(activity), cut_frames):
        part = activity[start : start + cut_frames]
        delay.listen(start, part, on=0.5, off=0.35)
        cut_ms = (start + len(part)) * FRAME_MS
        delay.compare(cut_ms, [at for at in shown_ms if at < cut_ms + LATEST_MS])
        values.append(delay.ms)
    return values


def shown(said: Talk, delay_ms: int, *, seed: int = 0, polled_ms: int = 100, share: float = 0.8) -> list[int]:
    """Onsets as a platform shows them: late, in steps, and some not at all."""
    dice = random.Random(seed)
    return [
        -(-(start + delay_ms) // polled_ms) * polled_ms - polled_ms // 2 for start, _ in said if dice.random() < share
    ]


@given(st.integers(0, 2_500), st.integers(0, 50), st.sampled_from([20, 100, 250]))
def test_the_delay_is_found(delay_ms: int, seed: int, polled_ms: int) -> None:
    said = conversation(seed, 5)
    delay = SpeakerDelay()
    heard(delay, activity_of(said), shown(said, delay_ms, seed=seed, polled_ms=polled_ms))
    assert delay.known
    assert abs(delay.ms - delay_ms) <= 150


@given(st.integers(0, 50))
def test_who_is_never_shown_to_speak_leaves_it_as_it_was(seed: int) -> None:
    delay = SpeakerDelay()
    assert set(heard(delay, activity_of(conversation(seed, 5)), [])) == {START_MS}
    assert not delay.known


def test_indications_that_belong_to_other_audio_say_nothing() -> None:
    said = conversation(1, 10)
    known = 0
    for seed in range(2, 42):
        delay = SpeakerDelay()
        heard(delay, activity_of(said), shown(conversation(seed, 10), 1_000, share=0.5))
        known += delay.known
    assert known <= 2


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.integers(0, 9))
def test_it_does_not_matter_in_what_pieces_it_listens(lengths: list[int], seed: int) -> None:
    activity = activity_of(conversation(seed, 0.5))
    whole, pieces = SpeakerDelay(), SpeakerDelay()
    whole.listen(0, activity, on=0.5, off=0.35)
    at = 0
    for length in [*lengths, len(activity)]:
        pieces.listen(at, activity[at : at + length], on=0.5, off=0.35)
        pieces.listen(at, activity[at : at + length], on=0.5, off=0.35)  # heard already
        at += length
    assert pieces == whole


def test_what_was_never_heard_is_no_pause() -> None:
    delay = SpeakerDelay()
    delay.listen(0, b"\xff" * 100, on=0.5, off=0.35)
    delay.listen(200, b"\x00" * 5 + b"\xff" * 100, on=0.5, off=0.35)
    assert delay.waiting == []
    delay.listen(305, b"\x00" * 20 + b"\xff", on=0.5, off=0.35)
    assert delay.waiting == [325 * FRAME_MS]


def test_an_onset_counts_once_all_that_was_shown_of_it_is_known() -> None:
    delay = SpeakerDelay()
    delay.listen(0, b"\x00" * 50 + b"\xff" * 10, on=0.5, off=0.35)
    onset_ms = 50 * FRAME_MS
    assert not delay.compare(onset_ms + SPAN_MS - 1, [onset_ms + 700])
    assert delay.waiting == [onset_ms]
    delay.compare(onset_ms + SPAN_MS, [onset_ms + 700])
    assert delay.waiting == []
    assert sum(delay.counts) == 1


def test_once_known_it_stands_still_and_follows_clocks_that_drift() -> None:
    said = conversation(3, 180)
    activity = activity_of(said)
    steady = heard(SpeakerDelay(), activity, shown(said, 1_000, polled_ms=250))
    assert len(set(steady)) <= 3, "the value it begins with, what it finds, and one correction"
    drifting = [at + at // 10_000 for at in shown(said, 600)]  # 100 parts in a million: 1.1 s in three hours
    delay = SpeakerDelay()
    values = heard(delay, activity, drifting)
    assert abs(delay.ms - 600 - said[-1][1] // 10_000) <= 150
    steps = [abs(after - before) for before, after in pairwise(values[60:])]
    assert max(steps) <= 2 * MOVE_MS
    assert sum(step > 0 for step in steps) <= 15


def test_it_stays_small_however_long_the_meeting() -> None:
    delay = SpeakerDelay()
    said = conversation(4, 120, pauses_ms=(320, 500))
    heard(delay, activity_of(said), shown(said, 1_200), cut_frames=1_800)
    assert len(msgspec.msgpack.encode(delay)) < 300


@pytest.mark.parametrize("delay_ms", [400, 1_000, 1_700])
def test_it_is_found_in_a_stream_and_the_segments_carry_who_spoke(delay_ms: int) -> None:
    said = conversation(5, 3)
    parts, at = [], 0
    for start, end in said:
        parts += [silence((start - at) / 1000), tone((end - start) / 1000)]
        at = end
    samples = np.concatenate([*parts, silence(4)])
    with fakeredis.FakeRedis() as client:
        stage = Stage(client, SPEAKER_DELAY_SEC="auto")
        stage.options = StreamOptions(started_at_ms=BEGAN_MS)
        for seq, chunk in enumerate(split(wav(samples), len(samples) // 48_000)):
            at_ms = BEGAN_MS + seq * 3_000 + delay_ms
            spoken = [
                (
                    "AB"[number % 2],
                    max(start + BEGAN_MS + delay_ms, at_ms),
                    min(end + BEGAN_MS + delay_ms, at_ms + 3_000),
                )
                for number, (start, end) in enumerate(said)
            ]
            now = [(who, start, end) for who, start, end in spoken if start < end]
            observed = stage.observe(at_ms, at_ms + 3_000, *now, clock="epoch")
            stage.deliver([observed, *stage.upload([chunk], first_seq=seq, end=False)])
        stage.deliver([stage.end(len(samples) // 48_000 - 1)])
        last = [each for each in stage.announced() if each.final][-1]
    truth = {("AB"[number % 2], start) for number, (start, _) in enumerate(said)}
    errors = [
        min(abs(turn.start_ms - start) for who, start in truth if who == turn.speaker)
        for turn in last.turns
        if turn.start_ms > last.start_ms - 5_000
    ]
    assert errors
    assert max(errors) <= 150
