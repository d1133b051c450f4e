"""Parts of the shipped conversation as samples, and who speaks in them. Pure but for reading the two files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import av
import numpy as np
from numpy.typing import NDArray

from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.speakers import Turn, load_ground_truth

RATE_HZ = 48_000
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Speech:
    """Samples of shape (channels, n) at RATE_HZ, from -1 to 1, and their turns in seconds since the first of them."""

    samples: Samples
    turns: tuple[Turn, ...]


@cache
def _conversation() -> Samples:
    """Shape (1, n)."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    with av.open(str(CONVERSATION)) as container:
        frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


@cache
def _turns() -> tuple[Turn, ...]:
    return load_ground_truth(CONVERSATION_TRUTH).turns


def said(from_s: float, seconds: float) -> Speech:
    """What is said in a part of the conversation."""
    samples = _conversation()[:, round(from_s * RATE_HZ) : round((from_s + seconds) * RATE_HZ)]
    inside = [
        Turn(turn.speaker, max(0.0, turn.start - from_s), min(seconds, turn.end - from_s), turn.text)
        for turn in _turns()
        if turn.start < from_s + seconds and turn.end > from_s
    ]
    return Speech(samples, tuple(inside))


def silence(seconds: float) -> Speech:
    """A room in which nobody speaks: noise far below speech, the same each time."""
    noise = np.random.default_rng(7).normal(0, 1e-4, (1, round(seconds * RATE_HZ)))
    return Speech(noise.astype(np.float32), ())


def joined(parts: Sequence[Speech]) -> Speech:
    """One after the other."""
    turns: list[Turn] = []
    at_s = 0.0
    for part in parts:
        turns += [Turn(each.speaker, each.start + at_s, each.end + at_s, each.text) for each in part.turns]
        at_s += part.samples.shape[1] / RATE_HZ
    return Speech(np.concatenate([part.samples for part in parts], axis=1), tuple(turns))


def side_by_side(left: Speech, right: Speech) -> Speech:
    """Two channels, each with a conversation of its own; who speaks is known by the channel."""
    return Speech(np.concatenate([left.samples, right.samples]), ())
