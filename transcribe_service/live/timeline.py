"""Which segments lie near which, on the wall clock. Pure; times are epoch milliseconds."""

from bisect import bisect_left, insort

from transcribe_service.connections.spans import Span


class Timeline:
    """Spans by segment id. Asking costs as much as there are spans nearby, but for one that is unusually long."""

    def __init__(self) -> None:
        self._spans: dict[str, Span] = {}
        self._by_start: list[tuple[int, str]] = []
        self._longest_ms = 0

    def put(self, segment_id: str, span: Span) -> None:
        """Where a segment lies from now on."""
        self.take_out(segment_id)
        self._spans[segment_id] = span
        insort(self._by_start, (span[0], segment_id))
        self._longest_ms = max(self._longest_ms, span[1] - span[0])

    def take_out(self, segment_id: str) -> None:
        """It lies nowhere any more."""
        span = self._spans.pop(segment_id, None)
        if span is not None:
            del self._by_start[bisect_left(self._by_start, (span[0], segment_id))]

    def span(self, segment_id: str) -> Span | None:
        """Where a segment lies."""
        return self._spans.get(segment_id)

    def near(self, span: Span, reach_ms: int) -> list[str]:
        """Ids of the segments less than `reach_ms` away from `span`, in order of their beginning."""
        from_ms, to_ms = span[0] - reach_ms, span[1] + reach_ms
        first = bisect_left(self._by_start, (from_ms - self._longest_ms, ""))
        last = bisect_left(self._by_start, (to_ms, ""), lo=first)
        return [each for _, each in self._by_start[first:last] if self._spans[each][1] > from_ms]
