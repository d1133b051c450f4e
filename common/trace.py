"""W3C trace context of the work in hand: a span for each request and each push, and what is sent along with each event.

`common.tracing` sets up where spans are recorded. Before it does, and where nobody would see them, spans have ids and a
sampling decision, so that traces go on through this process, and nothing of them is kept.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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


@contextmanager
def span(
    service: str, name: str, kind: SpanKind, *, traceparent: str | None, attributes: Attributes | None = None
) -> Iterator[Span]:
    """A span that is the current one within. `traceparent` names its parent; where that is not valid, a new trace begins.

    What is raised within gives it the status of an error and the error's type; messages, which may quote, are left out.
    """
    context = _PROPAGATOR.extract({"traceparent": traceparent}, Context()) if traceparent else Context()
    begun = _start(service, name, context, kind, attributes or {})
    before = attach(set_span_in_context(begun))
    try:
        yield begun
    except Exception as error:
        record_error(error)
        begun.set_status(StatusCode.ERROR)
        raise
    finally:
        detach(before)
        begun.end()


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
