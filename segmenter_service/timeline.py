"""Who spoke when, in stream time, from observations that come late, twice and in any order. Pure.

What is kept are unions of intervals, on the clock of the observation. A union does not care for order or repetition, so
neither does the timeline, and it needs no list of what it has seen. Where to cut is decided in `cutting`.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from common.events import SpeakersObserved, Turn

SEAM_MS: Final = 250
"""Windows that are posted one by one leave seams where the uploader's timer was late; nothing is read into those."""

ALWAYS_MS: Final = 2**62
"""No time is as far from stream time 0, before it or after it."""

MOST_INTERVALS: Final = 20_000
"""Of one clock: hours of a lively meeting, some 200 KB. What begins later than the first three quarters is then left in the bucket."""

LOOK_AHEAD_MS: Final = 6_000
"""Who spoke is asked for so far beyond the end of a segment."""

Interval = tuple[int, int]


class Observed(msgspec.Struct, array_like=True):
    """What was observed on one clock: disjoint intervals in order of time, in milliseconds."""

    covered: list[Interval] = []
    """Where it is known who spoke and who was silent."""
    active: dict[str, list[Interval]] = {}
    """Where each speaker spoke."""
    left_from_ms: int | None = None
    """What begins here or later was too much to keep, and is in the bucket alone."""

    def __len__(self) -> int:
        """Intervals."""
        return len(self.covered) + sum(map(len, self.active.values()))

    def leave_what_is_too_much(self) -> None:
        """Keep what begins first: it is needed first. Of the rest it is not known any more that it was observed."""
        if len(self) > MOST_INTERVALS:
            starts = sorted(start for spoken in self.active.values() for start, _ in spoken)
            starts = starts or [start for start, _ in self.covered]
            from_ms = starts[min(len(starts) - 1, MOST_INTERVALS * 3 // 4)]
            self.left_from_ms = from_ms if self.left_from_ms is None else min(self.left_from_ms, from_ms)
            active = {who: [each for each in spoken if each[0] < from_ms] for who, spoken in self.active.items()}
            self.active = {speaker: spoken for speaker, spoken in active.items() if spoken}
        if self.left_from_ms is not None:  # however little is added now, beyond this something may be missing
            known_ms = self.left_from_ms - LOOK_AHEAD_MS
            self.covered = [(start, min(end, known_ms)) for start, end in self.covered if start < known_ms]


class SpeakerTimeline(msgspec.Struct, array_like=True):
    """A connection's timeline, of the uncut audio and a while before it: small, serialisable, and all that there is to keep."""

    epoch: Observed = msgspec.field(default_factory=Observed)
    stream: Observed = msgspec.field(default_factory=Observed)
    epoch_shift_ms: int | None = None
    """Stream time = epoch of an indication − this. None: not known yet."""
    pruned_before_ms: int = -ALWAYS_MS
    """Stream time. What ends before it is not kept any more, however late it comes."""
    epoch_may_move: bool = False
    """The epoch clock is not found for good: what it covers is shown, and counts for no cut."""

    def synchronise(self, epoch_offset_ms: int, delay_ms: int, *, may_move: bool = False) -> bool:
        """Say how the clocks meet: epoch = stream time + `epoch_offset_ms`, and indications trail the audio by `delay_ms`.

        Until then observations on the epoch clock are kept and say nothing; while that `may_move`, they say who spoke and not that
        this is all that is to be known. Observations in stream time have no delay. True when this changed where they lie.
        """
        self.epoch_may_move = may_move
        before_ms, self.epoch_shift_ms = self.epoch_shift_ms, epoch_offset_ms + delay_ms
        self._drop_pruned()
        return self.epoch_shift_ms != before_ms

    def add(self, observation: SpeakersObserved) -> None:
        """Take an observation in. Adding it again, or its parts, changes nothing."""
        observed = self.epoch if observation.clock == "epoch" else self.stream
        window = (observation.covered_from_ms, observation.covered_to_ms)
        observed.covered = _united([*observed.covered, window])
        spoken: dict[str, list[Interval]] = {}
        for activity in observation.activities:
            spoken.setdefault(activity.speaker, []).append((activity.start_ms, activity.end_ms))
        for speaker, intervals in spoken.items():
            observed.active[speaker] = _united([*observed.active.get(speaker, ()), *intervals])
        self._drop_pruned()
        observed.leave_what_is_too_much()

    def leaves(self, observation: SpeakersObserved) -> bool:
        """True where this observation, or what begins later on its clock, was left in the bucket."""
        left_from_ms = (self.epoch if observation.clock == "epoch" else self.stream).left_from_ms
        return left_from_ms is not None and observation.covered_from_ms >= left_from_ms

    @property
    def lacks_something(self) -> bool:
        """Something was left in the bucket."""
        return self.epoch.left_from_ms is not None or self.stream.left_from_ms is not None

    def take_more(self, *, at_once: bool) -> bool:
        """True where something was left in the bucket and there is room again (or `at_once`): it is to be added once more."""
        waiting = [each for each in (self.epoch, self.stream) if each.left_from_ms is not None]
        if not waiting or (not at_once and any(len(each) > MOST_INTERVALS // 2 for each in waiting)):
            return False
        for each in waiting:
            each.left_from_ms = None
        return True

    def known_until(self, from_ms: int) -> int:
        """Until when it is known without a break who spoke, from `from_ms` on; `from_ms` itself where nothing is known."""
        covered = _united(
            (start - shift, end - shift)
            for observed, shift in self._clocks()
            if observed is self.stream or not self.epoch_may_move
            for start, end in observed.covered
        )
        for start, end in covered:
            if start - SEAM_MS <= from_ms < end:
                return end
        return from_ms

    def turns_between(self, from_ms: int, to_ms: int) -> tuple[Turn, ...]:
        """Who spoke between two points of stream time: turns clipped to them, by start, then by speaker.

        Turns of one speaker never touch; turns of different speakers may overlap.
        """
        intervals: dict[str, list[Interval]] = {}
        for observed, shift in self._clocks():
            first, last = (
                from_ms + shift - SEAM_MS,
                to_ms + shift + SEAM_MS,
            )  # what lies beyond joins with nothing in between
            for speaker, spoken in observed.active.items():
                near = [(start - shift, end - shift) for start, end in spoken if end >= first and start <= last]
                if near:
                    intervals.setdefault(speaker, []).extend(near)
        turns = [
            Turn(speaker, max(start, from_ms), min(end, to_ms))
            for speaker, spoken in intervals.items()
            for start, end in _united(spoken)
            if start < to_ms and end > from_ms
        ]
        return tuple(sorted(turns, key=lambda turn: (turn.start_ms, turn.speaker)))

    def in_stream_time(self, observation: SpeakersObserved) -> tuple[int, int] | None:
        """What an observation is about, and what it may join with; None while its clock is not known."""
        shift_ms = self.epoch_shift_ms if observation.clock == "epoch" else 0
        if shift_ms is None:
            return None
        return observation.covered_from_ms - shift_ms - SEAM_MS, observation.covered_to_ms - shift_ms + SEAM_MS

    def epoch_onsets(self, from_epoch_ms: int, to_epoch_ms: int) -> list[int]:
        """When somebody was shown to begin to speak, on the epoch clock, as it was shown. In no order."""
        return [
            start
            for spoken in self.epoch.active.values()
            for start, _ in spoken
            if from_epoch_ms <= start < to_epoch_ms
        ]

    def prune(self, before_ms: int) -> None:
        """Forget what lies before `before_ms` (stream time). What is asked about later times does not change."""
        self.pruned_before_ms = max(self.pruned_before_ms, before_ms)
        self._drop_pruned()

    def _clocks(self) -> Iterator[tuple[Observed, int]]:
        """Each clock's observations, and what to subtract from their times to have stream time."""
        yield self.stream, 0
        if self.epoch_shift_ms is not None:
            yield self.epoch, self.epoch_shift_ms

    def _drop_pruned(self) -> None:
        for observed, shift in self._clocks():
            # What ends a seam before may still join with what comes after.
            horizon_ms = self.pruned_before_ms + shift - SEAM_MS
            observed.covered = _ending_after(horizon_ms, observed.covered)
            active = {speaker: _ending_after(horizon_ms, spoken) for speaker, spoken in observed.active.items()}
            observed.active = {speaker: spoken for speaker, spoken in active.items() if spoken}


def _ending_after(horizon_ms: int, intervals: list[Interval]) -> list[Interval]:
    return [interval for interval in intervals if interval[1] > horizon_ms]


def _united(intervals: Iterable[Interval]) -> list[Interval]:
    """The union as disjoint intervals in order, with seams closed. Empty intervals are dropped."""
    united: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if united and start - united[-1][1] <= SEAM_MS:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united
