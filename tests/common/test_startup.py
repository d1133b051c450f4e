import json
import logging
import signal
import sys
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.trace import SpanKind

from common import trace, tracing
from common.health import Drain
from common.settings import Settings
from common.startup import EX_CONFIG, drain_on_sigterm, settings_or_exit, started


@pytest.fixture(autouse=True)
def _the_process_is_put_back() -> Iterator[None]:
    before, root = signal.getsignal(signal.SIGTERM), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    tracing.shut_down()
    signal.signal(signal.SIGTERM, before)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_wrong_settings_are_one_line_each_and_an_exit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        settings_or_exit(Settings, {"API_PORT": "x"})
    assert caught.value.code == EX_CONFIG
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["API_TOKEN", "API_PORT"]


def test_right_settings_are_returned() -> None:
    assert settings_or_exit(Settings, {"API_TOKEN": "t", "API_PORT": "81"}).api_port == 81


def test_sigterm_drains_first_and_then_does_what_the_server_does() -> None:
    drain = Drain()
    order: list[bool] = []
    signal.signal(signal.SIGTERM, lambda _number, _frame: order.append(drain.started))
    drain_on_sigterm(drain)
    signal.raise_signal(signal.SIGTERM)
    assert order == [True]


def test_sigterm_without_a_server_ends_the_process() -> None:
    drain = Drain()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    drain_on_sigterm(drain)
    with pytest.raises(SystemExit) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert (caught.value.code, drain.started) == (0, True)


def test_a_service_starts_with_settings_logs_and_a_drain(capsys: pytest.CaptureFixture[str]) -> None:
    start = started("ingest", Settings, {"API_TOKEN": "very-secret", "LOG_LEVEL": "INFO", "REVISION": "0f3a9c1e"})
    (line,) = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert (line["message"], line["service"], line["API_TOKEN"]) == ("starting", "ingest", "***")
    assert line["REVISION"] == "0f3a9c1e"
    assert start.settings.api_token.reveal() == "very-secret"
    assert not start.drain.started


def test_a_service_starts_with_its_way_of_tracing(capsys: pytest.CaptureFixture[str]) -> None:
    started("ingest", Settings, {"API_TOKEN": "t", "LOG_LEVEL": "DEBUG", "GOOGLE_CLOUD_PROJECT": "proj"})
    with trace.span("ingest", "work", SpanKind.SERVER, traceparent=None):
        pass
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["message"], line["severity"]) == ("span", "DEBUG")
    assert line["logging.googleapis.com/trace"].startswith("projects/proj/traces/")


def test_a_way_of_tracing_that_cannot_work_is_one_line_and_an_exit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "common.adapters.google.cloud_trace", None)
    with pytest.raises(SystemExit) as caught:
        started("ingest", Settings, {"API_TOKEN": "t", "TRACE_EXPORTER": "google", "GOOGLE_CLOUD_PROJECT": "proj"})
    assert caught.value.code == EX_CONFIG
    assert capsys.readouterr().err.startswith("TRACE_EXPORTER: ")
