"""W3C trace context of the work in hand: a span for each request and each push, and what is sent along with each event.

`common.tracing` sets up where spans are recorded. Before it does, and where nobody would see them, spans have ids and a
sampling decision, so that traces go on through this process, and nothing of them is kept.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import Final

from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TracerProvider,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.errors import TurnscribeError

Attributes = Mapping[str, str | int | float | bool]
"""Ids and numbers. Never words, names, tokens or query strings."""
StartSpan = Callable[[str, str, Context, SpanKind, Attributes], Span]
"""From service, name, the parent's context, kind and attributes to a span that has begun."""

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_IDS: Final = RandomIdGenerator()
_OURS: Final = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
"""What `current_traceparent` writes, read at a fifth of what the propagator takes."""


def sampler(ratio: float) -> Sampler:
    """As the parent was decided; of traces that begin here, the share `ratio`."""
    return ParentBased(TraceIdRatioBased(ratio))


def unrecorded(decide: Sampler) -> StartSpan:
    """Spans that are only carried on. `decide` gives those their flag that later services may record."""

    def start(_service: str, name: str, context: Context, _kind: SpanKind, _attributes: Attributes) -> Span:
        parent = get_current_span(context).get_span_context()
        trace_id = parent.trace_id if parent.is_valid else _IDS.generate_trace_id()
        is_sampled = decide.should_sample(context, trace_id, name).decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
        return NonRecordingSpan(SpanContext(trace_id, _IDS.generate_span_id(), is_remote=False, trace_flags=flags))

    return start


def recorded(provider: TracerProvider) -> StartSpan:
    """Spans that `provider` records where they are sampled. The service is in each, for several may share a process."""

    tracer = cache(provider.get_tracer)  # which costs as much as a span

    def start(service: str, name: str, context: Context, kind: SpanKind, attributes: Attributes) -> Span:
        return tracer(service).start_span(name, context, kind, {"service": service, **attributes})

    return start


NOT_SET_UP: Final = unrecorded(sampler(1.0))
_start: StartSpan = NOT_SET_UP


def use(start: StartSpan) -> None:
    """Have the spans of this process begun by `start` from now on."""
    global _start
    _start = start


class _SpanInHand:
    """See `span`. A class: each request begins one, and a generator costs three times as much."""

    __slots__ = ("_before", "_begun")

    def __init__(self, begun: Span) -> None:
        self._begun = begun

    def __enter__(self) -> Span:
        self._before = attach(set_span_in_context(self._begun))
        return self._begun

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception):
            record_error(error)
            self._begun.set_status(StatusCode.ERROR)
        detach(self._before)
        self._begun.end()


def span(
    service: str, name: str, kind: SpanKind, *, traceparent: str | None, attributes: Attributes | None = None
) -> AbstractContextManager[Span]:
    """A span that has begun, and that is the current one within. `traceparent` names its parent; where that is not valid, a new trace begins.

    What is raised within gives it the status of an error and the error's type; messages, which may quote, are left out.
    """
    return _SpanInHand(_start(service, name, _context_of(traceparent), kind, attributes or {}))


def _context_of(traceparent: str | None) -> Context:
    """With the span that `traceparent` names, or nothing."""
    if not traceparent:
        return Context()
    ours = _OURS.fullmatch(traceparent)
    if ours is None:  # another version, or nonsense
        return _PROPAGATOR.extract({"traceparent": traceparent}, Context())
    trace_id, span_id, flags = (int(part, 16) for part in ours.groups())
    if not (trace_id and span_id):
        return Context()
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(parent), Context())


def record_error(error: Exception) -> None:
    """Note in the current span what kind of failure came up in it; the answer's status decides whether the span failed."""
    reason = error.reason if isinstance(error, TurnscribeError) else type(error).__name__
    get_current_span().set_attribute("error.type", reason)


def current_traceparent() -> str:
    """The traceparent to send along, or an empty string outside any request."""
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
