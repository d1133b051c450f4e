from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.trace import continue_trace, current_traceparent

TRACE = "a" * 32


@given(st.text("0123456789abcdef", min_size=32, max_size=32), st.sampled_from(["00", "01"]))
def test_a_trace_goes_on_with_a_span_of_its_own(trace: str, flags: str) -> None:
    assert continue_trace(f"00-{trace}-{'b' * 16}-{flags}") == trace
    version, trace_id, span, sampled = current_traceparent().split("-")
    assert (version, trace_id, sampled) == ("00", trace, "01")
    assert len(span) == 16
    assert span != "b" * 16


@pytest.mark.parametrize("received", [None, "", "garbage", f"00-{TRACE}", f"01-{TRACE}-{'b' * 16}-01", "00-x-y-01\n"])
def test_anything_else_begins_a_new_one(received: str | None) -> None:
    assert continue_trace(received) != continue_trace(received)


def test_outside_any_request_there_is_none() -> None:
    def in_a_request() -> None:
        continue_trace(None)
        assert current_traceparent()

    before = current_traceparent()
    copy_context().run(in_a_request)
    assert current_traceparent() == before
