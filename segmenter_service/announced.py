"""Final segments whose speakers may still change: what was said of them last, small enough for the hot state. Pure.

Which of them are to be announced anew, and how, is decided in `relabelling`.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from common.events import SegmentReady, Turn

REACH_MS: Final = 500
"""A turn that is farther than this from a segment names nobody in it: words are given to turns within this reach."""


class AnnouncedFinal(msgspec.Struct, array_like=True):
    """One final segment, as it was announced last."""

    channel: int
    start_ms: int
    end_ms: int
    """Stream time."""
    revision: int
    generation: int
    spoken: bytes
    """`digest` of the turns that it was announced with."""
    labels: int = 0
    """How often its speakers were announced anew."""
    due: bool = False
    """Something became known of its time since."""


def digest(turns: Iterable[Turn], start_ms: int, end_ms: int) -> bytes:
    """8 bytes that change where somebody else speaks in `[start_ms, end_ms)`, or within `REACH_MS` of it."""
    first_ms, last_ms = start_ms - REACH_MS, end_ms + REACH_MS
    clipped = sorted(
        (turn.speaker, max(turn.start_ms, first_ms), min(turn.end_ms, last_ms))
        for turn in turns
        if turn.start_ms < last_ms and turn.end_ms > first_ms
    )
    return hashlib.sha256(msgspec.msgpack.encode(clipped)).digest()[:8]


def as_announced(event: SegmentReady) -> AnnouncedFinal:
    """What is to be kept of a final segment that was announced with `event`."""
    return AnnouncedFinal(
        channel=event.channel,
        start_ms=event.start_ms,
        end_ms=event.end_ms,
        revision=event.revision,
        generation=event.generation,
        spoken=digest(event.turns, event.start_ms, event.end_ms),
    )


def touch(announced: Iterable[AnnouncedFinal], from_ms: int, to_ms: int) -> None:
    """Something became known of `[from_ms, to_ms)`, in stream time."""
    for each in announced:
        if each.start_ms - REACH_MS < to_ms and each.end_ms + REACH_MS > from_ms:
            each.due = True
