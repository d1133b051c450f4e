"""From samples to the file that Whisper gets. Pure.

pydub slices, joins and pads; its exports spawn an ffmpeg process, so the FLAC is written by libsndfile instead.
"""

import io
import warnings
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydub looks for an ffmpeg binary that nothing here uses, and imports audioop
    from pydub import AudioSegment

SAMPLE_RATE: Final = 16_000
PADDING_MS: Final = 200
"""Digital silence on both sides: measured to save words at cuts, where an overlap of audio doubles them."""


def flac_of(samples: NDArray[np.int16]) -> bytes:
    """`samples` (n,) at 16 kHz, padded with silence, as FLAC. The same samples give the same bytes."""
    speech = AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=SAMPLE_RATE, channels=1)
    silence = AudioSegment.silent(duration=PADDING_MS, frame_rate=SAMPLE_RATE)
    padded = silence + speech + silence
    target = io.BytesIO()
    pcm = np.frombuffer(padded.raw_data, dtype=np.int16)
    soundfile.write(target, pcm, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return target.getvalue()


def channels_of(samples: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """`samples` (channels, n) as one array (n,) a channel."""
    count = samples.shape[0]
    if count == 1:
        return [samples[0]]
    interleaved = AudioSegment(data=samples.T.tobytes(), sample_width=2, frame_rate=SAMPLE_RATE, channels=count)
    return [np.frombuffer(mono.raw_data, dtype=np.int16) for mono in interleaved.split_to_mono()]
