"""Who spoke when in a recording, cut into the observations that a server takes one at a time. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

WINDOW_MS: Final = 300_000
MAX_INTERVALS: Final = 500
"""Of one observation: a server takes 256 KiB."""


@dataclass(frozen=True)
class Interval:
    """One speaker was active from `start_ms` to `end_ms`, on the observation's clock."""

    speaker: str
    start_ms: int
    end_ms: int


def observation(
    intervals: Sequence[Interval], covered_from_ms: int, covered_to_ms: int, clock: str = "stream"
) -> bytes:
    """The JSON of one observation: whoever is not named was silent in what it covers."""
    return msgspec.json.encode(
        {
            "clock": clock,
            "covered_from_ms": covered_from_ms,
            "covered_to_ms": covered_to_ms,
            "intervals": [
                {"speaker": item.speaker, "start_ms": item.start_ms, "end_ms": item.end_ms} for item in intervals
            ],
        }
    )


def observations(intervals: Sequence[Interval]) -> list[bytes]:
    """All that is known of a recording, in stream time, from its begin to the last word; the same intervals give the same bytes."""
    end_ms = max((interval.end_ms for interval in intervals), default=0)
    windows = [(from_ms, min(from_ms + WINDOW_MS, end_ms)) for from_ms in range(0, end_ms, WINDOW_MS)]
    return [each for window in windows for each in _within(sorted(set(intervals), key=_order), *window)]


def _within(intervals: Sequence[Interval], from_ms: int, to_ms: int) -> Iterator[bytes]:
    inside = [
        Interval(each.speaker, max(each.start_ms, from_ms), min(each.end_ms, to_ms))
        for each in intervals
        if each.start_ms < to_ms and each.end_ms > from_ms
    ]
    if len(inside) > MAX_INTERVALS and to_ms - from_ms > 1:
        middle_ms = (from_ms + to_ms) // 2
        yield from _within(inside, from_ms, middle_ms)
        yield from _within(inside, middle_ms, to_ms)
    else:
        yield observation(inside, from_ms, to_ms)


def _order(interval: Interval) -> tuple[int, int, str]:
    return interval.start_ms, interval.end_ms, interval.speaker
