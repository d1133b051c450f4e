"""The spans of a test, kept in memory in the order in which they end."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from common import trace


class RecordedSpans(SpanProcessor):
    """`ended` holds every sampled span that is over."""

    def __init__(self) -> None:
        self.ended: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.ended]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedSpans]:
    """What this process records while the test runs."""
    recorded = RecordedSpans()
    provider = TracerProvider(trace.sampler(1.0), Resource.get_empty(), shutdown_on_exit=False)
    provider.add_span_processor(recorded)
    monkeypatch.setattr(trace, "_start", trace.recorded(provider))
    yield recorded
    provider.shutdown()
