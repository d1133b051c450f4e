import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import request

from common.health import Drain
from common.logs import configure, get_logger
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
