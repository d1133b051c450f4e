"""Who said what and when in a recording, and how a meeting's user interface would have shown it. Pure but for reading the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from turnscribe.client import Interval


class UnreadableSpeakers(Exception):
    """The file of speakers is missing or malformed. The message is for the person who named it."""


class Turn(msgspec.Struct, frozen=True):
    """One speaker speaking; `start` and `end` in seconds since the recording's start, `text` where it is known."""

    speaker: str
    start: float
    end: float
    text: str = ""


class GroundTruth(msgspec.Struct, frozen=True):
    """The file that `--speakers` names: `{"turns": [{"speaker", "start", "end", "text"?}, …]}`; other members are ignored."""

    turns: tuple[Turn, ...]

    @property
    def speakers(self) -> tuple[str, ...]:
        """All speakers, by first appearance."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns))

    @property
    def has_text(self) -> bool:
        """Whether word error rates can be computed: every turn says its words."""
        return bool(self.turns) and all(turn.text for turn in self.turns)


@dataclass(frozen=True)
class MaskWindow:
    """What the interface showed until `end_ms` (audio clock): per speaker one digit per bit."""

    end_ms: int
    masks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class IntervalWindow:
    """Who spoke between `start_ms` and `end_ms` of stream time."""

    start_ms: int
    end_ms: int
    intervals: tuple[Interval, ...]


def load_ground_truth(path: Path) -> GroundTruth:
    """Read the file. Raises `UnreadableSpeakers`."""
    try:
        truth = msgspec.json.decode(path.read_bytes(), type=GroundTruth)
    except OSError as error:
        raise UnreadableSpeakers(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UnreadableSpeakers(f"{path}: {error}") from error
    for number, turn in enumerate(truth.turns):
        if not 0 <= turn.start < turn.end:
            raise UnreadableSpeakers(f"{path}: turn {number} does not satisfy 0 ≤ start < end")
    return truth


def _milliseconds(turn: Turn) -> tuple[int, int]:
    return round(turn.start * 1000), round(turn.end * 1000)


def mask_windows(
    truth: GroundTruth, duration_ms: int, *, delay_ms: int, window_ms: int = 1000, bit_ms: int = 100
) -> tuple[MaskWindow, ...]:
    """One window after another until everything has been shown, `delay_ms` after it was said.

    A bit is set when the speaker spoke in at least half of the time that it stands for.
    """
    spans = {
        speaker: [_milliseconds(turn) for turn in truth.turns if turn.speaker == speaker] for speaker in truth.speakers
    }

    def bit(speaker: str, from_ms: int) -> str:
        spoken_ms = sum(max(0, min(end, from_ms + bit_ms) - max(start, from_ms)) for start, end in spans[speaker])
        return "1" if spoken_ms * 2 >= bit_ms else "0"

    windows = range(window_ms, duration_ms + delay_ms + window_ms, window_ms)
    return tuple(
        MaskWindow(
            end_ms,
            tuple(
                (name, "".join(bit(name, at_ms - delay_ms) for at_ms in range(end_ms - window_ms, end_ms, bit_ms)))
                for name in truth.speakers
            ),
        )
        for end_ms in windows
    )


def interval_windows(truth: GroundTruth, duration_ms: int, *, window_ms: int = 1000) -> tuple[IntervalWindow, ...]:
    """The turns cut into windows that cover the recording, without any delay."""

    def within(from_ms: int, to_ms: int) -> tuple[Interval, ...]:
        clipped: Sequence[Interval] = [
            Interval(turn.speaker, max(start, from_ms), min(end, to_ms))
            for turn in truth.turns
            for start, end in [_milliseconds(turn)]
            if start < to_ms and end > from_ms
        ]
        return tuple(clipped)

    starts = range(0, duration_ms, window_ms)
    return tuple(
        IntervalWindow(start, end, within(start, end))
        for start in starts
        for end in [min(start + window_ms, duration_ms)]
    )
