import numpy as np
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from segmenter_service.cutting import CutPolicy, spoken_frames
from tests.segmenter_service.stage import Stage, silence, split, talk, wav

PAUSES = {
    "nothing but silence": np.concatenate([silence(30)]),
    "speech after a long silence": np.concatenate([silence(21), talk(3)]),
    "long pauses": talk(2, 9, 1, 14, 3, 6, 0.3),
}


@pytest.mark.parametrize("name", PAUSES)
def test_whatever_is_announced_live_or_final_has_speech_in_it_and_no_long_pause(
    redis_client: redis.Redis, name: str
) -> None:
    audio = PAUSES[name]
    stage = Stage(redis_client, TRANSCRIBER_STEP_SEC="1")
    pieces = split(wav(audio), 60)
    for seq, piece in enumerate(pieces):
        stage.deliver(stage.upload([piece], first_seq=seq, end=seq == len(pieces) - 1))
    announced = stage.announced()
    assert any(not each.final for each in announced) == (name != "nothing but silence")
    for event in announced:
        loud = np.abs(audio[event.start_ms * 16 : event.end_ms * 16].astype(np.int32)) > 500
        assert loud.any(), f"{event.segment_id} revision {event.revision} is silence"
        heard_ms = np.flatnonzero(loud) / 16
        edges_ms = np.concatenate([[0], heard_ms, [event.end_ms - event.start_ms]])
        assert np.diff(edges_ms).max() < 2_600, f"{event.segment_id} revision {event.revision} has a long pause"


@given(st.lists(st.tuples(st.sampled_from([0, 255]), st.integers(1, 100)), max_size=8))
def test_what_is_shown_of_an_open_segment_ends_soon_after_a_word_and_before_a_long_pause(
    runs: list[tuple[int, int]],
) -> None:
    activity = b"".join(bytes([value]) * length for value, length in runs)
    shown = activity[: spoken_frames(activity, CutPolicy())]
    if not any(activity):
        assert shown == b""
    else:
        assert len(shown) - len(shown.rstrip(b"\0")) <= 10
        assert bytes(64) not in shown.strip(b"\0")
        left = activity[len(shown) :]
        assert not any(left) or left.startswith(bytes(52)), "what is left out follows a long pause"
