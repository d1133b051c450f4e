"""Where the spans of this process go: log lines at DEBUG, Cloud Trace, or nowhere. Set up once in each process, after its fork."""

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id

from common import trace
from common.logs import get_logger
from common.settings import Settings, SettingsError

log = get_logger(__name__)
_NS_PER_MS: Final = 1_000_000


class SpanLines(SpanProcessor):
    """Writes each span that has ended as one log line at DEBUG."""

    def on_end(self, span: ReadableSpan) -> None:
        """One line, with the span's own ids and not those of the work around it."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        log.debug(
            "span",
            **(span.attributes or {}),
            name=span.name,
            kind=span.kind.name.lower(),
            status=span.status.status_code.name.lower(),
            trace=format_trace_id(span.context.trace_id),
            span_id=format_span_id(span.context.span_id),
            parent_id=format_span_id(span.parent.span_id) if span.parent else "",
            duration_ms=round(((span.end_time or 0) - (span.start_time or 0)) / _NS_PER_MS, 3),
        )


@dataclass(frozen=True)
class _Wanted:
    """What decides how a process traces. `pid` is part of it: what was built before a fork is no use after it."""

    exporter: str
    ratio: float
    project: str
    writes_lines: bool
    pid: int


@dataclass(frozen=True)
class _SetUp:
    wanted: _Wanted
    shut_down: Callable[[], None]


_in_use: _SetUp | None = None


def set_up(settings: Settings) -> None:
    """Send spans where `settings` say. Again with the same settings does nothing; with others it replaces what was there.

    Raises `SettingsError` where Cloud Trace is wanted and its package or the credentials are missing.
    """
    global _in_use
    wanted = _Wanted(
        settings.trace_exporter,
        settings.trace_sample_ratio,
        settings.google_cloud_project,
        settings.log_level == "DEBUG",
        os.getpid(),
    )
    if _in_use is not None and _in_use.wanted == wanted:
        return
    processor = _processor(wanted)
    shut_down()
    decide = trace.sampler(wanted.ratio)
    if processor is None:
        trace.use(trace.unrecorded(decide))
        _in_use = _SetUp(wanted, _nothing)
        return
    provider = TracerProvider(decide, Resource.get_empty(), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    trace.use(trace.recorded(provider))
    _in_use = _SetUp(wanted, provider.shutdown)


def shut_down() -> None:
    """Send what is waiting, within a bounded time, and record nothing more. Runs by itself when the process ends."""
    global _in_use
    ending, _in_use = _in_use, None
    trace.use(trace.NOT_SET_UP)
    if ending is not None and ending.wanted.pid == os.getpid():  # spans of before a fork are the parent's
        ending.shut_down()


def _processor(wanted: _Wanted) -> SpanProcessor | None:
    """None where nothing would come out, so that nothing is recorded either."""
    if wanted.exporter == "google":
        try:
            from common.adapters.google.cloud_trace import cloud_trace_processor
        except ImportError as error:
            problem = (
                "TRACE_EXPORTER: google wants the package opentelemetry-exporter-gcp-trace, which is not installed"
            )
            raise SettingsError([problem]) from error
        return cloud_trace_processor(wanted.project)
    return SpanLines() if wanted.exporter == "console" and wanted.writes_lines else None


def _nothing() -> None:
    pass


atexit.register(shut_down)
