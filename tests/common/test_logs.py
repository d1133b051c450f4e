import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import request
from opentelemetry.trace import SpanKind

from common import __version__
from common.health import Drain
from common.logs import configure, get_logger
from common.trace import span
from common.web import base_app

SECRETS = ("s3cr3t-token", "query-content", "body-content")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, as text; the process's logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level, urllib3_level = root.handlers[:], root.level, logging.getLogger("urllib3").level
    stream = io.StringIO()
    configure("ingest", "DEBUG", stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    logging.getLogger("urllib3").setLevel(urllib3_level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def parsed(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_context(lines: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(trace="ab", event_id="cd")
    get_logger("x").warning("event_quarantined", reason="bad\nnews")
    (line,) = parsed(lines)
    assert line.pop("time").endswith("Z")
    assert line == {
        "severity": "WARNING",
        "message": "event_quarantined",
        "reason": "bad\nnews",
        "trace": "ab",
        "event_id": "cd",
        "service": "ingest",
    }


def test_lines_of_libraries_have_the_same_form(lines: io.StringIO) -> None:
    logging.getLogger("some.library").error("broken %s", "pipe")
    (line,) = parsed(lines)
    assert (line["severity"], line["message"], line["service"]) == ("ERROR", "broken pipe", "ingest")


def test_a_failure_has_its_traceback(lines: io.StringIO) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        get_logger("x").exception("push_failed")
    (line,) = parsed(lines)
    assert "ZeroDivisionError" in line["exception"]


def test_requests_are_logged_without_token_query_or_body(lines: io.StringIO) -> None:
    app = base_app("ingest", {}, Drain())

    @app.post("/v1/<name>")
    def fail(name: str) -> str:
        request.get_data()
        raise ZeroDivisionError

    client = app.test_client()
    headers = {"Authorization": "Bearer s3cr3t-token"}
    for path in ("/v1/a", "/nowhere", "/v1/b/c"):
        client.post(f"{path}?token=s3cr3t-token&name=query-content", data=b"body-content", headers=headers)
    assert len(parsed(lines)) == 4
    assert not any(secret in lines.getvalue() for secret in SECRETS)


def test_the_http_client_does_not_log_urls(lines: io.StringIO) -> None:
    logging.getLogger("urllib3.connectionpool").debug('%s "GET %s" 200', "http://h", "/?token=s3cr3t-token")
    assert lines.getvalue() == ""


@pytest.fixture
def cloud_lines(lines: io.StringIO) -> io.StringIO:
    """As `lines`, where the project is known."""
    configure("ingest", "DEBUG", lines, project="proj")
    return lines


TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
CLOUD = "logging.googleapis.com/"


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True)])
def test_cloud_logging_finds_trace_and_span(cloud_lines: io.StringIO, flags: str, sampled: bool) -> None:
    with span("ingest", "work", SpanKind.SERVER, traceparent=TRACEPARENT[:-2] + flags) as begun:
        get_logger("x").info("chunk_stored")
        logging.getLogger("some.library").warning("slow")
    span_id = f"{begun.get_span_context().span_id:016x}"
    for line in parsed(cloud_lines):
        assert line[f"{CLOUD}trace"] == f"projects/proj/traces/{'a' * 32}"
        assert line[f"{CLOUD}spanId"] == span_id
        assert line[f"{CLOUD}trace_sampled"] is sampled
        assert not {"trace", "span_id", "trace_sampled"} & line.keys()


def test_without_a_project_a_line_stays_short(lines: io.StringIO) -> None:
    with span("ingest", "work", SpanKind.SERVER, traceparent=TRACEPARENT):
        get_logger("x").info("chunk_stored", connection_id="c")
    (line,) = parsed(lines)
    assert set(line) == {"time", "severity", "message", "service", "trace", "connection_id"}
    assert line["trace"] == "a" * 32


def test_outside_any_request_there_is_no_trace(cloud_lines: io.StringIO) -> None:
    get_logger("x").info("starting")
    (line,) = parsed(cloud_lines)
    assert not any("trace" in key or "span" in key for key in line)


def test_labels_are_the_service_and_the_ids_of_the_work_in_hand(cloud_lines: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(tenant="t", connection_id="c", meeting_id="", seq=3)
    get_logger("x").info("chunk_stored", segment_id="s")
    (line,) = parsed(cloud_lines)
    assert line[f"{CLOUD}labels"] == {"service": "ingest", "tenant": "t", "connection_id": "c", "segment_id": "s"}
    assert (line["connection_id"], line["seq"]) == ("c", 3)


def test_a_request_line_has_its_http_request_without_path_and_query(cloud_lines: io.StringIO) -> None:
    app = base_app("ingest", {}, Drain())
    app.add_url_rule("/v1/<name>", view_func=lambda **_: "")
    app.test_client().get("/v1/query-content?token=s3cr3t-token")
    (line,) = parsed(cloud_lines)
    latency = line["httpRequest"].pop("latency")
    assert line["httpRequest"] == {"requestMethod": "GET", "requestUrl": "/v1/<name>", "status": 200}
    assert latency.endswith("s")
    assert float(latency[:-1]) == pytest.approx(line["took_ms"] / 1000)
    assert (line["message"], line["route"], line["status"]) == ("request", "/v1/<name>", 200)
    assert not any(secret in cloud_lines.getvalue() for secret in SECRETS)


def test_error_reporting_finds_stack_trace_and_version(cloud_lines: io.StringIO) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        get_logger("x").exception("push_failed")
    get_logger("x").warning("push_retryable")
    failed, warned = parsed(cloud_lines)
    assert failed["exception"].startswith("Traceback (most recent call last):")
    assert failed["serviceContext"] == {"service": "ingest", "version": __version__}
    assert "serviceContext" not in warned
