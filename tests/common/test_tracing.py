"""Where spans go, by setting. Cloud Trace's is in tests/common/adapters/test_cloud_trace.py."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from opentelemetry.trace import SpanKind, get_current_span

from common import logs, trace, tracing
from common.errors import Retryable
from common.settings import Settings, SettingsError, load
from common.trace import record_error, span

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What is logged at DEBUG; logging and tracing are put back afterwards."""
    root = logging.getLogger()
    handlers, level, urllib3_level = root.handlers[:], root.level, logging.getLogger("urllib3").level
    stream = StringIO()
    logs.configure("local", "DEBUG", stream)
    yield stream
    tracing.shut_down()
    root.handlers[:], root.level = handlers, level
    logging.getLogger("urllib3").setLevel(urllib3_level)
    structlog.reset_defaults()


def settings(**variables: str) -> Settings:
    return load(Settings, {"API_TOKEN": "t", **variables})


def spans(lines: StringIO) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, lines.getvalue().splitlines()) if line["message"] == "span"]


def test_a_span_is_one_line_at_debug(lines: StringIO) -> None:
    tracing.set_up(settings(LOG_LEVEL="DEBUG"))
    with span("ingest", "PUT /a", SpanKind.SERVER, traceparent=PARENT, attributes={"http.method": "PUT"}) as begun:
        span_id = f"{begun.get_span_context().span_id:016x}"
    (line,) = [
        each for each in spans(lines) if each["trace"] == "a" * 32
    ]  # a thread of an earlier test may have its own
    assert line.pop("time")
    assert line.pop("duration_ms") >= 0
    assert line == {
        "message": "span",
        "severity": "DEBUG",
        "service": "ingest",
        "name": "PUT /a",
        "kind": "server",
        "status": "unset",
        "trace": "a" * 32,
        "span_id": span_id,
        "parent_id": "b" * 16,
        "http.method": "PUT",
    }


def test_a_line_names_its_own_trace_and_not_the_one_around_it(lines: StringIO) -> None:
    tracing.set_up(settings(LOG_LEVEL="DEBUG"))
    with (
        span("a", "outer", SpanKind.SERVER, traceparent=None),
        span("b", "inner", SpanKind.CONSUMER, traceparent=PARENT),
    ):
        pass
    inner, outer = spans(lines)
    assert (inner["trace"], inner["service"], inner["name"]) == ("a" * 32, "b", "inner")
    assert (outer["service"], outer["parent_id"]) == ("a", "")
    assert outer["trace"] != inner["trace"]


def test_of_a_failure_the_type_is_kept_and_not_what_it_says(lines: StringIO) -> None:
    tracing.set_up(settings(LOG_LEVEL="DEBUG"))
    with pytest.raises(ValueError), span("a", "raises", SpanKind.SERVER, traceparent=None):
        raise ValueError("words of a speaker")
    with span("a", "copes", SpanKind.SERVER, traceparent=None):
        record_error(Retryable("words of a speaker", reason="redis_unavailable"))
    raised, coped = spans(lines)
    assert (raised["status"], raised["error.type"]) == ("error", "ValueError")
    assert (coped["status"], coped["error.type"]) == ("unset", "redis_unavailable")
    assert "words" not in lines.getvalue()


@pytest.mark.parametrize(
    "variables",
    [
        {"LOG_LEVEL": "INFO"},
        {"LOG_LEVEL": "DEBUG", "TRACE_EXPORTER": "none"},
        {"LOG_LEVEL": "DEBUG", "TRACE_SAMPLE_RATIO": "0"},
    ],
)
def test_where_nothing_would_come_out_nothing_is_recorded(lines: StringIO, variables: dict[str, str]) -> None:
    tracing.set_up(settings(**variables))
    with span("a", "work", SpanKind.SERVER, traceparent=None):
        assert get_current_span().get_span_context().is_valid
        assert not get_current_span().is_recording()
    assert spans(lines) == []


def test_what_came_unsampled_is_not_recorded(lines: StringIO) -> None:
    tracing.set_up(settings(LOG_LEVEL="DEBUG"))
    with span("a", "work", SpanKind.SERVER, traceparent=PARENT[:-2] + "00"):
        assert not get_current_span().is_recording()
    assert spans(lines) == []


def test_setting_up_again_changes_something_only_with_other_settings(lines: StringIO) -> None:
    tracing.set_up(settings(LOG_LEVEL="DEBUG"))
    first = trace._start
    tracing.set_up(settings(LOG_LEVEL="DEBUG"))
    assert trace._start is first
    tracing.set_up(settings(LOG_LEVEL="DEBUG", TRACE_SAMPLE_RATIO="0.5"))
    assert trace._start is not first
    with span("a", "once", SpanKind.SERVER, traceparent=PARENT):
        pass
    assert len(spans(lines)) == 1
    tracing.shut_down()
    tracing.shut_down()
    assert trace._start is trace.NOT_SET_UP


def test_a_forked_process_sets_up_its_own(lines: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    tracing.set_up(settings(LOG_LEVEL="DEBUG"))
    parents = trace._start
    monkeypatch.setattr(os, "getpid", lambda: -1)
    tracing.set_up(settings(LOG_LEVEL="DEBUG"))
    assert trace._start is not parents


def test_cloud_trace_without_its_package_is_refused_by_name(lines: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "common.adapters.google.cloud_trace", None)
    with pytest.raises(SettingsError, match="TRACE_EXPORTER: google wants the package"):
        tracing.set_up(settings(TRACE_EXPORTER="google", GOOGLE_CLOUD_PROJECT="p"))
