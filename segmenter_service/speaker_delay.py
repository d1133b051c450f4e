"""How far speaker indications trail the audio, found from both: voices set in, and a while later somebody is shown to speak. Pure.

Each onset of voice after a pause is compared with every onset of speaker activity around it. Pairs that have nothing to do with one
another differ by anything; those that belong together differ by the delay, so that one place in the histogram of the differences
stands out. Ends are not looked at: indicators have hang-over.

A difference counts when the audio around it is cut, for then all that the platform showed of it is in, or was waited for. The estimate
is therefore a function of audio and indications, like the cuts, and never of when they came.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from segmenter_service.pauses import Speech
from segmenter_service.voice_activity import FRAME_MS

START_MS: Final = 500
"""What is taken for the delay until it is known: about what a platform that polls and transmits needs at least."""
EARLIEST_MS: Final = -500
"""Below 0: where chunks came late, the connection's clock is set too late by as much, and indications seem early."""
LATEST_MS: Final = 3_000
BIN_MS: Final = 50
BINS: Final = (LATEST_MS - EARLIEST_MS) // BIN_MS
SPAN_MS: Final = LATEST_MS - EARLIEST_MS
"""Audio must be cut so far behind an onset before it counts: what is shown of it is known by then, whatever the delay."""

MIN_QUIET_MS: Final = 300
"""A voice that sets in after a shorter pause goes on, rather than begins."""
LEAST_PAIRS: Final = 6
"""Within 250 ms; fewer may meet there by chance."""
CLEARLY: Final = 2
"""At the peak lie at least so many times as many pairs as anywhere else. With this and `LEAST_PAIRS` no beginning of the corpus'
meeting, wherever it was begun, led to a delay that was wrong by more than 150 ms; with one pair fewer, one in eighteen did."""
MOVE_MS: Final = 100
"""The delay moves only so far or farther: turns that are right within less need not be announced anew."""
REMEMBERED_PAIRS: Final = 40
"""At the peak. Then everything counts half: clocks drift, by a third of a second in an hour."""
MAX_WAITING: Final = 64
_KERNEL: Final = np.array([1, 2, 3, 2, 1])
_LATER_BINS: Final = 6
_EARLIER_BINS: Final = 15
"""What lies so far before the peak, or not so far behind it, speaks not against it: some are shown to speak from their breath on, up to
0.7 s before their voice."""


class SpeakerDelay(msgspec.Struct, array_like=True):
    """The estimate for one connection, and what it rests on: less than 300 bytes."""

    ms: int = START_MS
    known: bool = False
    counts: bytes = bytes(BINS)
    """Pairs of onsets by their difference, from `EARLIEST_MS` on."""
    heard_frames: int = 0
    """Up to here the audio has been listened to; frames of 32 ms since stream time 0."""
    quiet_frames: int = 0
    """How long it had been quiet there."""
    waiting: list[int] = []
    """Onsets of voice that wait for what is shown of them: stream time, in milliseconds."""

    def listen(self, start_frame: int, activity: bytes, *, on: float, off: float) -> None:
        """Find the onsets in the activity of `[start_frame, …)`, which comes in order. What was heard before is skipped.

        A hole before it makes no pause: nobody knows what was said there.
        """
        fresh = activity[max(0, self.heard_frames - start_frame) :]
        if not fresh:
            return
        start_frame = max(start_frame, self.heard_frames)
        if start_frame > self.heard_frames:
            self.quiet_frames = 0
        self.heard_frames = start_frame + len(fresh)
        speech = Speech(fresh, on=on, off=off)
        if speech.first is None:
            self.quiet_frames += len(fresh)
            return
        onsets = [(speech.first, self.quiet_frames + speech.first)]
        onsets += [(run.end, run.length) for run in speech.runs if run.end < len(fresh)]
        found = [(start_frame + at) * FRAME_MS for at, quiet in onsets if quiet * FRAME_MS >= MIN_QUIET_MS]
        self.waiting = [*self.waiting, *found][-MAX_WAITING:]
        last = speech.runs[-1] if speech.runs else None
        self.quiet_frames = last.length if last is not None and last.end == len(fresh) else 0

    def compare(self, cut_ms: int, shown_ms: Sequence[int]) -> bool:
        """Take in the onsets that lie `SPAN_MS` or more before `cut_ms`. True when the delay has moved.

        `shown_ms` are the onsets of speaker activity around them, of all speakers, as if indications had no delay; in stream time,
        like everything here.
        """
        ready = [onset for onset in self.waiting if onset + SPAN_MS <= cut_ms]
        if not ready:
            return False
        self.waiting = self.waiting[len(ready) :]
        differences = np.subtract.outer(np.array(shown_ms, np.int64), np.array(ready, np.int64)).ravel()
        pairs, _ = np.histogram(differences, bins=BINS, range=(EARLIEST_MS, LATEST_MS))
        counts = np.minimum(np.frombuffer(self.counts, np.uint8) + pairs, 255)
        peak = int(np.argmax(np.convolve(counts, _KERNEL, "same")))
        near = np.convolve(counts, np.ones(len(_KERNEL), np.int64), "same")
        beyond = np.arange(BINS) - peak
        elsewhere = near[(beyond < -_EARLIER_BINS) | (beyond > _LATER_BINS)].max()
        moved = near[peak] >= max(LEAST_PAIRS, CLEARLY * elsewhere) and self._move(_centre_ms(counts, peak))
        if near[peak] >= REMEMBERED_PAIRS:
            counts = counts // 2
        self.counts = counts.astype(np.uint8).tobytes()
        return bool(moved)

    def _move(self, ms: int) -> bool:
        if self.known and abs(ms - self.ms) < MOVE_MS:
            return False
        moved, self.ms, self.known = ms != self.ms, ms, True
        return moved


def _centre_ms(counts: "np.ndarray[tuple[int], np.dtype[np.int64]]", peak: int) -> int:
    """The weighted mean of the differences around a peak, to 10 ms."""
    reach = len(_KERNEL) // 2
    bins = np.arange(max(0, peak - reach), min(BINS, peak + reach + 1))
    weights = counts[bins] * _KERNEL[bins - peak + reach]
    mean_ms = float((weights * (bins + 0.5)).sum() / weights.sum()) * BIN_MS + EARLIEST_MS
    return 10 * round(mean_ms / 10)
