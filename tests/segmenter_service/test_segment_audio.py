"""The file that Whisper gets."""

import io

import numpy as np
import soundfile

from segmenter_service.segment_audio import PADDING_MS, SAMPLE_RATE, channels_of, flac_of
from tests.segmenter_service.stage import tone


def test_a_segment_is_flac_with_silence_on_both_sides() -> None:
    samples = tone(1.5)
    data = flac_of(samples)
    heard, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    padding = PADDING_MS * SAMPLE_RATE // 1000
    assert data.startswith(b"fLaC")
    assert rate == SAMPLE_RATE
    assert len(heard) == len(samples) + 2 * padding
    assert not heard[:padding].any()
    assert not heard[-padding:].any()
    np.testing.assert_array_equal(heard[padding:-padding], samples)


def test_the_same_samples_give_the_same_bytes() -> None:
    assert flac_of(tone(1)) == flac_of(tone(1))


def test_channels_come_apart_as_they_went_in() -> None:
    left, right = tone(0.5, 300), tone(0.5, 700)
    for both, expected in ((np.stack([left, right]), [left, right]), (left[np.newaxis], [left])):
        apart = channels_of(both)
        assert len(apart) == len(expected)
        for found, wanted in zip(apart, expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
