import numpy as np
import pytest

from bench.wordless_audio import SAMPLE_RATE, SOUNDS, programme, sound


@pytest.mark.parametrize("name", SOUNDS)
def test_a_sound_is_the_same_again_as_long_as_asked_for_and_not_clipped(name: str) -> None:
    once, again = sound(name, 3.3, seed=4), sound(name, 3.3, seed=4)
    assert np.array_equal(once, again)
    assert len(once) == round(3.3 * SAMPLE_RATE)
    assert (np.abs(once.astype(np.int32)) >= 32_767).mean() < 0.001
    assert bool(once.any()) == (name != "silence")


def test_a_programme_has_every_sound_and_the_length_that_was_asked_for() -> None:
    pieces = list(programme(60, piece_s=4))
    assert sum(map(len, pieces)) == 60 * SAMPLE_RATE
    assert len(pieces) >= len(SOUNDS)
