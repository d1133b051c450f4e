"""To 16 kHz, by libswresample. The same samples give the same output, bit for bit, whichever way they go.

Building a resampler and draining it take more time than what it does for one block of audio. So those of each rate are kept, and
block after block goes through them. Between two blocks it gets silence, longer than its filter, and up to where the two
clocks have a sample in common; a block that is seen from far enough inside meets the filter exactly as in a resampler of its own.
Where the edges are wanted too, it gets one of its own, which mirrors the samples there.
"""

from math import gcd
from typing import Final, cast

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from segmenter_service.audio.blocks import SAMPLE_RATE
from segmenter_service.audio.spares import Spares

Float = NDArray[np.float32]
Pcm = NDArray[np.int16]

MAX_STEP: Final = 441
"""Of the usual rates 44.1 kHz has the longest way from one common sample to the next."""
_EDGE_SAMPLES: Final = 64
"""So far (4 ms) from either end nothing shows of what was before or after. The filter reaches 16 samples at the lower of the two rates."""
_LEAST_RATE: Final = 8_000


def step_of(rate: int) -> int:
    """Every so many samples at `rate` one coincides with one at 16 kHz."""
    step = rate // gcd(rate, SAMPLE_RATE)
    return step if step <= MAX_STEP else 1  # an odd rate: being off by less than a sample is not heard


def resampled(row: Float, rate: int, first: int, count: int) -> Pcm:
    """At most `count` samples from `first` on, of the output for `row` (n,), whose first sample coincides with the output's first."""
    if not row.size:
        return np.zeros(0, np.int16)
    exact = rate >= _LEAST_RATE and rate // gcd(rate, SAMPLE_RATE) <= MAX_STEP
    inside = first >= _EDGE_SAMPLES and first + count + _EDGE_SAMPLES <= row.size * SAMPLE_RATE // rate
    if not (exact and inside):
        return _alone(row, rate)[first : first + count]
    continuous = _kept.take(rate) or _Continuous(rate)
    output = continuous.resampled(row)  # should it fail, it is not used again
    _kept.give(rate, continuous)
    return output[first : first + count]


class Resampler:
    """One channel at `rate` to 16 kHz. As `av.AudioResampler`, which would have two threads of its own for each."""

    def __init__(self, rate: int) -> None:
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add("abuffer", sample_rate=str(rate), sample_fmt="fltp", channel_layout="mono")
        to = self._graph.add("aformat", sample_rates=str(SAMPLE_RATE), sample_fmts="s16", channel_layouts="mono")
        self._graph.link_nodes(source, to, self._graph.add("abuffersink")).configure()

    def resample(self, frame: av.AudioFrame | None) -> list[av.AudioFrame]:
        """What `frame` completes; None is the end."""
        self._graph.push(frame)
        frames = []
        while True:
            try:
                frames.append(cast("av.AudioFrame", self._graph.pull()))
            except (BlockingIOError, EOFError):
                return frames


class _Continuous:
    """A resampler that is never drained."""

    def __init__(self, rate: int) -> None:
        self._resampler = Resampler(rate)
        self._rate = rate
        self._step = step_of(rate)
        self._silence = 2 * _EDGE_SAMPLES * max(rate, SAMPLE_RATE) // SAMPLE_RATE
        self._owed = 0
        """Output for what was put in before."""

    def resampled(self, row: Float) -> Pcm:
        """The output for `row`, and some of the silence after it."""
        length = row.size + self._silence
        length += -length % self._step
        padded = np.zeros(length, np.float32)
        padded[: row.size] = row
        output = _samples(self._resampler.resample(audio_frame(padded, self._rate)))
        skipped = self._owed
        self._owed += length * SAMPLE_RATE // self._rate - output.size
        return output[skipped:]


def audio_frame(row: Float, rate: int) -> av.AudioFrame:
    """One channel (n,) as a frame for the resampler."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(row[np.newaxis]), format="fltp", layout="mono")
    frame.sample_rate = rate
    return frame


def _alone(row: Float, rate: int) -> Pcm:
    resampler = Resampler(rate)
    return _samples([*resampler.resample(audio_frame(row, rate)), *resampler.resample(None)])


def _samples(frames: list[av.AudioFrame]) -> Pcm:
    rows = [frame.to_ndarray()[0] for frame in frames]
    return rows[0] if len(rows) == 1 else np.concatenate([np.zeros(0, np.int16), *rows])


_kept: Final = Spares[int, _Continuous]()
