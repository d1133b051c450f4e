"""Gunicorn's own lines: JSON, and without what clients wrote."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from gunicorn.config import Config

from common.gunicorn_log import JsonLog


@pytest.fixture
def written() -> Iterator[tuple[JsonLog, io.StringIO]]:
    logging.getLogger("gunicorn.error").handlers.clear()
    log = JsonLog(Config())
    stream = io.StringIO()
    (handler,) = log.error_log.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield log, stream
    log.error_log.handlers.clear()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_object_whatever_is_said(written: tuple[JsonLog, io.StringIO]) -> None:
    log, stream = written
    log.error("two\nlines %s", '"quoted"')
    (line,) = lines(stream)
    assert (line["message"], line["severity"], line["detail"]) == ("gunicorn", "ERROR", 'two\nlines "quoted"')


def test_nothing_is_quoted_that_a_client_wrote(written: tuple[JsonLog, io.StringIO]) -> None:
    log, stream = written
    log.warning("Invalid request from ip=192.0.2.1: Invalid HTTP header 'Authorization: secret'")
    log.exception("Error handling request %s %s", "GET", "/?token=secret", exc_info=ValueError("broken"))  # noqa: LOG004 -- it is given
    assert [line["detail"] for line in lines(stream)] == ["Invalid request", "Error handling request"]
    assert "secret" not in stream.getvalue()
    assert lines(stream)[1]["exception"] == "ValueError: broken"
