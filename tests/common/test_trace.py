from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind

from common import trace
from common.trace import Attributes, current_traceparent, recorded, sampler, span, unrecorded

TRACE = "a" * 32
HEX = "0123456789abcdef"
WAYS = {
    "unrecorded": lambda ratio: unrecorded(sampler(ratio)),
    "recorded": lambda ratio: recorded(TracerProvider(sampler(ratio), shutdown_on_exit=False)),
}


def carried_on(received: str | None, attributes: Attributes | None = None) -> str:
    """The traceparent within a span that `received` is the parent of."""
    with span("test", "work", SpanKind.SERVER, traceparent=received, attributes=attributes):
        return current_traceparent()


def is_sampled(traceparent: str) -> bool:
    return bool(int(traceparent[-2:], 16) & 1)


@pytest.fixture(params=sorted(WAYS))
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way of beginning spans: what travels is the same whether somebody records or not."""
    monkeypatch.setattr(trace, "_start", WAYS[request.param](1.0))
    return str(request.param)


@given(st.text(HEX, min_size=32, max_size=32).filter(lambda hexes: set(hexes) != {"0"}), st.sampled_from(["00", "01"]))
def test_a_trace_goes_on_with_a_span_of_its_own_and_the_decision_it_came_with(trace_id: str, flags: str) -> None:
    version, carried, span_id, _ = (traceparent := carried_on(f"00-{trace_id}-{'b' * 16}-{flags}")).split("-")
    assert (version, carried, is_sampled(traceparent)) == ("00", trace_id, flags == "01")
    assert len(span_id) == 16
    assert span_id != "b" * 16


@pytest.mark.parametrize("flags", ["00", "01"])
def test_recording_changes_nothing_of_what_travels(way: str, flags: str) -> None:
    traceparent = carried_on(f"00-{TRACE}-{'b' * 16}-{flags}")
    assert traceparent.startswith(f"00-{TRACE}-")
    assert is_sampled(traceparent) == (flags == "01")
    assert is_sampled(carried_on(None))


@pytest.mark.parametrize(
    "received",
    [
        None,
        "",
        "garbage",
        f"00-{TRACE}",
        f"ff-{TRACE}-{'b' * 16}-01",
        f"00-{TRACE}-{'b' * 16}-01-more",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        "00-x-y-01\n",
        "9" * 10_000,
    ],
)
def test_anything_else_begins_a_new_one(way: str, received: str | None) -> None:
    one, other = carried_on(received), carried_on(received)
    assert one[3:35] != other[3:35]
    assert TRACE not in one


@pytest.mark.parametrize("name", sorted(WAYS))
@pytest.mark.parametrize(("ratio", "sampled"), [(0.0, False), (1.0, True)])
def test_the_ratio_decides_new_traces_and_no_others(
    monkeypatch: pytest.MonkeyPatch, name: str, ratio: float, sampled: bool
) -> None:
    monkeypatch.setattr(trace, "_start", WAYS[name](ratio))
    assert is_sampled(carried_on(None)) == sampled
    assert is_sampled(carried_on(f"00-{TRACE}-{'b' * 16}-01"))
    assert not is_sampled(carried_on(f"00-{TRACE}-{'b' * 16}-00"))


def test_outside_any_request_there_is_none() -> None:
    def in_a_request() -> None:
        assert carried_on(None)
        assert current_traceparent() == ""

    copy_context().run(in_a_request)
    assert current_traceparent() == ""


def test_what_was_current_is_current_again(way: str) -> None:
    with span("test", "outer", SpanKind.SERVER, traceparent=None):
        before = current_traceparent()
        assert carried_on(None) != before
        with pytest.raises(ZeroDivisionError), span("test", "fails", SpanKind.SERVER, traceparent=None):
            _ = 1 / 0
        assert current_traceparent() == before
