from hypothesis import given
from hypothesis import strategies as st

from segmenter_service.pauses import Pause, Speech

ON, OFF = 0.5, 0.35
VALUES = st.lists(st.sampled_from([0, 60, 100, 120, 140, 255]), max_size=60).map(bytes)


def speech(values: bytes) -> Speech:
    return Speech(values, on=ON, off=OFF)


@given(VALUES)
def test_hysteresis_is_that_of_the_plain_loop(values: bytes) -> None:
    on, expected = False, []
    for value in values:
        on = value >= ON * 255 or (on and value >= OFF * 255)
        expected.append(on)
    assert speech(values).active.tolist() == expected


@given(VALUES)
def test_runs_are_the_silent_frames_after_the_first_word(values: bytes) -> None:
    made = speech(values)
    silent = {frame for run in made.runs for frame in range(run.start, run.end)}
    first = made.first
    expected = set() if first is None else {f for f in range(first, len(values)) if not made.active[f]}
    assert silent == expected


@given(VALUES, st.integers(0, 60), st.integers(1, 5))
def test_pauses_before_a_frame_depend_on_nothing_after_it(values: bytes, frame: int, shortest: int) -> None:
    made = speech(values)
    if frame <= len(values):
        assert made.pauses_before(frame, shortest) == speech(values[:frame]).pauses_before(frame, shortest)


def test_a_pause() -> None:
    pause = Pause(10, 20)
    assert (pause.length, pause.middle) == (10, 15)
    assert [pause.distance(frame) for frame in (5, 10, 15, 20, 26)] == [5, 0, 0, 0, 6]


def test_silence_is_thought_to_follow() -> None:
    made = Speech(bytes([255, 255]), on=ON, off=OFF, silent_frames=3)
    assert len(made) == 5
    assert made.runs == [Pause(2, 5)]


def test_the_quietest_frame_is_the_nearest_of_equals() -> None:
    made = speech(bytes([200, 150, 200, 150, 200]))
    assert made.quietest(0, 5, near=4) == 3
    assert made.quietest(0, 5, near=0) == 1
