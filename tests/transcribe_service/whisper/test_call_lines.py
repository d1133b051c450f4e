"""What the log says of calls that fail and of the circuit, which metrics and alerts are made of."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.transcribe_service.whisper.caller import OPEN_S, Caller
from tests.transcribe_service.whisper.whisper_server import Reply, ScriptedWhisper


def told(lines: list[Any], event: str) -> list[Any]:
    return [line for line in lines if line["event"] == event]


@pytest.mark.parametrize(
    ("reply", "reason", "attempts"),
    [(Reply(status=415), "whisper_refused_audio", 1), (Reply(status=401), "whisper_unauthorized", 1)],
)
def test_a_call_that_is_given_up_says_why_once(
    server: ScriptedWhisper, reply: Reply, reason: str, attempts: int
) -> None:
    server.replies = [reply]
    with capture_logs() as lines:
        Caller(server.url).failure()
    (line,) = told(lines, "whisper_failed")
    assert (line["reason"], line["attempts"]) == (reason, attempts)


def test_a_call_that_no_attempt_helped_says_how_many_there_were(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=503)]
    with capture_logs() as lines:
        Caller(server.url).failure()
    (line,) = told(lines, "whisper_failed")
    assert line["reason"] == "whisper_saturated"
    assert line["attempts"] == len(server.received) == len(told(lines, "whisper_retry")) + 1


def test_a_circuit_says_once_that_it_opened_and_once_that_it_closed(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=500)]
    caller = Caller(server.url, failures=3)
    with capture_logs() as lines:
        caller.failure()
        caller.failure()
        caller.clock.sleep(OPEN_S)
        caller.failure()  # the one attempt that is let through
    assert len(told(lines, "whisper_circuit_opened")) == 1
    assert [line["reason"] for line in told(lines, "whisper_failed")] == ["whisper_circuit_open"] * 3
    server.replies = [Reply()]
    caller.clock.sleep(OPEN_S)
    with capture_logs() as lines:
        caller()
        caller()
    assert len(told(lines, "whisper_circuit_closed")) == 1
    assert told(lines, "whisper_failed") == []
