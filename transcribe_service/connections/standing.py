"""Whether somebody else covers a segment's time. Pure; times are epoch milliseconds, each on its own uploader's clock."""

from collections.abc import Sequence
from enum import Enum

import msgspec

from transcribe_service.connections.spans import NONE, Span, Spans, covers, united


class Standing(Enum):
    """What a connection's segment is among the meeting's other connections."""

    NEEDED = "needed"
    """Nobody before it covers all of its time: it is transcribed."""
    EXPECTED = "expected"
    """A connection before it is there and will most likely cover its time; whether it does must be looked at later."""
    COVERED = "covered"
    """Connections before it cover all of its time, for good."""


class Before(msgspec.Struct, frozen=True):
    """What is known of a connection that is primary before another one."""

    covered: Spans = NONE
    """What it heard for certain: by its final segments, or by its account."""
    is_open: bool = False
    captured_ms: int = 0
    """Of an open one: when its newest stored chunk was captured. 0: it has none."""


def standing(span: Span, before: Sequence[Before], *, patience_ms: int) -> Standing:
    """How a segment stands whose time is `span`.

    An open connection whose newest chunk is at most `patience_ms` behind the segment's end goes on covering, from the end of what is
    known of it. So a segment that comes before the primary's own of the same time waits for it, while one that stalled is not waited for.
    """
    known = united(*(each.covered for each in before))
    if covers(known, span):
        return Standing.COVERED
    expected = [
        (each.covered[-1][1] if each.covered else span[0], span[1])
        for each in before
        if each.is_open and each.captured_ms and each.captured_ms + patience_ms >= span[1]
    ]
    return Standing.EXPECTED if covers(united(known, expected), span) else Standing.NEEDED
