"""Activity masks as meeting platforms send them, and what they say in intervals. Pure.

A mask is a string of `0` and `1`, one for each `bit_ms` milliseconds, 1 = speaking; it ends at the observation's timestamp.
Bit k of n covers `[ts − (n−k)·bit, ts − (n−k−1)·bit]`. The whole window is covered: a 0 says that somebody was silent.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from common.errors import Permanent
from common.events import Activity

MAX_SPEAKERS: Final = 100
MAX_NAME_LENGTH: Final = 200
MAX_BITS: Final = 600
"""A minute of tenths of a second: windows are meant to be about a second long."""
MAX_BIT_MS: Final = 10_000


class InvalidSpeakerMask(Permanent):
    """A mask, or a speaker's name, that breaks the rules. The message says where and what, and never repeats the name."""

    def __init__(self, problem: str, *, reason: str = "invalid_speaker_mask") -> None:
        super().__init__(problem, reason=reason)


class TooManySpeakers(InvalidSpeakerMask):
    """More speakers in one window than MAX_SPEAKERS."""

    def __init__(self, speakers: int) -> None:
        problem = f"there are {speakers} speakers; at most {MAX_SPEAKERS} are allowed"
        super().__init__(problem, reason="too_many_speakers")


def activities_of_masks(
    ts_ms: int, bit_ms: int, masks: Sequence[tuple[str, str]]
) -> tuple[int, int, tuple[Activity, ...]]:
    """`(covered_from_ms, covered_to_ms, activities)` of one window that ends at `ts_ms`.

    `masks` are pairs of speaker name and mask; they may differ in length, and the longest says how far the window reaches
    back. A window without speakers covers nothing. Runs of 1 become one activity each, by speaker as given, then by time.
    Names are stripped. Raises `InvalidSpeakerMask` naming what is wrong.
    """
    if not 1 <= bit_ms <= MAX_BIT_MS:
        raise InvalidSpeakerMask(f"bit_ms is {bit_ms}; it must be between 1 and {MAX_BIT_MS}")
    if len(masks) > MAX_SPEAKERS:
        raise TooManySpeakers(len(masks))
    names = [checked_speaker(name, f"name {index}") for index, (name, _) in enumerate(masks)]
    if len(set(names)) < len(names):
        raise InvalidSpeakerMask("a speaker is named twice")
    for index, (_, mask) in enumerate(masks):
        _check_mask(mask, f"mask {index}")
    longest = max((len(mask) for _, mask in masks), default=0)
    covered_from_ms = ts_ms - longest * bit_ms
    if covered_from_ms < 0:
        raise InvalidSpeakerMask("the window begins before the clock does (ts_ms is too small)")
    activities = tuple(
        Activity(name, ts_ms - (len(mask) - first) * bit_ms, ts_ms - (len(mask) - end) * bit_ms)
        for name, (_, mask) in zip(names, masks, strict=True)
        for first, end in _runs(mask)
    )
    return covered_from_ms, ts_ms, activities


def checked_speaker(name: str, field: str) -> str:
    """`name` without surrounding space. Raises `InvalidSpeakerMask` naming `field` when it is empty or too long."""
    stripped = name.strip()
    if not stripped:
        raise InvalidSpeakerMask(f"{field} is empty")
    if len(stripped) > MAX_NAME_LENGTH:
        raise InvalidSpeakerMask(f"{field} has {len(stripped)} characters; at most {MAX_NAME_LENGTH} are allowed")
    return stripped


def _check_mask(mask: str, field: str) -> None:
    if not mask:
        raise InvalidSpeakerMask(f"{field} is empty")
    if len(mask) > MAX_BITS:
        raise InvalidSpeakerMask(f"{field} has {len(mask)} bits; at most {MAX_BITS} are allowed")
    if not set(mask) <= {"0", "1"}:
        raise InvalidSpeakerMask(f"{field} has characters other than 0 and 1")


def _runs(mask: str) -> Iterator[tuple[int, int]]:
    """`(first, end)` of each run of 1, end exclusive."""
    first = mask.find("1")
    while first >= 0:
        end = mask.find("0", first)
        end = len(mask) if end < 0 else end
        yield first, end
        first = mask.find("1", end)
