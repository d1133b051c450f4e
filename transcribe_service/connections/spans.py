"""Spans of time: half-open `[from, to)` in milliseconds, in order, that neither overlap nor touch. Pure."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

Span = tuple[int, int]
Spans = tuple[Span, ...]
NONE: Final[Spans] = ()


def united(*parts: Iterable[Span]) -> Spans:
    """What lies in any of the parts. Spans may come in any order; empty ones count as nothing."""
    joined: list[Span] = []
    for start, end in sorted(span for part in parts for span in part if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def without(spans: Spans, taken: Spans) -> Spans:
    """What lies in `spans` and not in `taken`."""
    left: list[Span] = []
    for start, end in spans:
        for taken_from, taken_to in taken:
            if taken_to <= start:
                continue
            if taken_from >= end:
                break
            if start < taken_from:
                left.append((start, taken_from))
            start = taken_to
        if start < end:
            left.append((start, end))
    return tuple(left)


def covers(spans: Spans, span: Span) -> bool:
    """Whether all of `span` lies in `spans`; an empty one does where its place does."""
    start, end = span
    found = _last_from(spans, start)
    return found is not None and start < found[1] and end <= found[1]


def contains(spans: Spans, at_ms: int) -> bool:
    """Whether a moment lies in `spans`."""
    found = _last_from(spans, at_ms)
    return found is not None and at_ms < found[1]


def _last_from(spans: Spans, at_ms: int) -> Span | None:
    """The last span that begins at or before `at_ms`."""
    index = bisect_right(spans, at_ms, key=lambda span: span[0])
    return spans[index - 1] if index else None
