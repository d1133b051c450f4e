import socket
from email.utils import formatdate

import pytest

from common.errors import Backpressure, Permanent, Retryable, TurnscribeError
from tests.transcribe_service.whisper.caller import LIMITS, OPEN_S, Caller
from tests.transcribe_service.whisper.whisper_server import Reply, ScriptedWhisper
from transcribe_service.whisper.calls import WhisperLimits


@pytest.mark.parametrize("passing", [Reply(status=429), Reply(status=500), Reply(status=503), Reply(body=b"<html>")])
def test_faults_that_pass_are_waited_for(server: ScriptedWhisper, passing: Reply) -> None:
    server.replies = [passing, passing, Reply()]
    caller = Caller(server.url)
    assert caller().text == "hi"
    assert len(server.received) == 3
    assert len(caller.pauses_s) == 2


def test_retry_after_is_honoured(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=429, headers={"Retry-After": "7"}), Reply()]
    caller = Caller(server.url)
    assert caller().text == "hi"
    (pause_s,) = caller.pauses_s
    assert 7 <= pause_s < 8


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_beyond_the_budget_is_passed_on_at_once(server: ScriptedWhisper, status: int) -> None:
    server.replies = [Reply(status=status, headers={"Retry-After": "120"})]
    caller = Caller(server.url)
    failure = caller.failure()
    assert isinstance(failure, Backpressure)
    assert failure.retry_after_s == 120
    assert caller.pauses_s == []
    assert len(server.received) == 1


@pytest.mark.parametrize("header", ["soon", "-1", "1.5", "", formatdate(0)])
def test_a_retry_after_that_says_nothing_is_as_good_as_none(server: ScriptedWhisper, header: str) -> None:
    server.replies = [Reply(status=503, headers={"Retry-After": header}), Reply()]
    assert Caller(server.url)().text == "hi"


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(status=429), Reply(body=b"not json")])
def test_retries_end_within_the_budget(server: ScriptedWhisper, reply: Reply) -> None:
    server.replies = [reply]
    caller = Caller(server.url)
    caller.failure()
    assert len(server.received) == len(caller.pauses_s) + 1 > 1
    assert sum(caller.pauses_s) <= LIMITS.budget_s


@pytest.mark.parametrize(
    ("status", "kind", "reason", "attempts"),
    [
        (400, Permanent, "whisper_refused_audio", 1),
        (413, Permanent, "whisper_refused_audio", 1),
        (415, Permanent, "whisper_refused_audio", 1),
        (422, Permanent, "whisper_refused_audio", 1),
        (401, Retryable, "whisper_unauthorized", 1),
        (403, Retryable, "whisper_unauthorized", 1),
        (404, Retryable, "whisper_status_404", 1),
        (302, Retryable, "whisper_status_302", 1),
    ],
)
def test_faults_that_do_not_pass_are_told_at_once(
    server: ScriptedWhisper, status: int, kind: type[TurnscribeError], reason: str, attempts: int
) -> None:
    server.replies = [Reply(status=status, headers={"Location": "/elsewhere"})]
    failure = Caller(server.url, token="top-secret").failure()
    assert type(failure) is kind
    assert failure.reason == reason
    assert len(server.received) == attempts
    assert "top-secret" not in str(failure)


def test_an_answer_without_end_is_not_read(server: ScriptedWhisper) -> None:
    server.replies = [Reply(body=b'{"text": "' + b"x" * 300_000 + b'"}')]
    limits = WhisperLimits(timeout_s=10, budget_s=50, connections=1, answer_bytes=100_000)
    assert Caller(server.url, limits=limits).failure().reason == "whisper_answer_too_long"
    assert len(server.received) == 1


def test_an_answer_that_is_cut_short_is_asked_for_again(server: ScriptedWhisper) -> None:
    server.replies = [Reply(cut_short=True), Reply()]
    assert Caller(server.url)().text == "hi"
    assert len(server.received) == 2


def test_a_server_that_hangs_is_left(server: ScriptedWhisper) -> None:
    server.replies = [Reply(hang=True)]
    limits = WhisperLimits(timeout_s=0.1, budget_s=0.1, connections=1)
    failure = Caller(server.url, limits=limits).failure()
    assert isinstance(failure, Retryable)
    assert failure.reason == "whisper_unreachable"


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        caller = Caller(url)
        failure = caller.failure()
    assert failure.reason == "whisper_unreachable"
    assert caller.pauses_s


def test_who_fails_again_and_again_is_left_alone_and_one_attempt_brings_it_back(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=500)]
    caller = Caller(server.url, failures=3)
    first = caller.failure()
    assert isinstance(first, Backpressure)
    assert (first.reason, len(server.received)) == ("whisper_circuit_open", 3)
    assert isinstance(caller.failure(), Backpressure)
    assert len(server.received) == 3
    server.replies = [Reply()]
    caller.clock.sleep(OPEN_S)
    assert caller().text == "hi"
    assert caller().text == "hi"
    assert len(server.received) == 5


def test_refused_audio_says_that_the_server_is_well(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=415)]
    caller = Caller(server.url, failures=2)
    for _ in range(3):
        assert caller.failure().reason == "whisper_refused_audio"
    assert len(server.received) == 3


def test_without_a_token_nobody_is_asked(server: ScriptedWhisper) -> None:
    class NoToken:
        def headers(self) -> dict[str, str]:
            raise Retryable("no token", reason="whisper_token_unavailable")

    assert Caller(server.url, credentials=NoToken()).failure().reason == "whisper_token_unavailable"
    assert server.received == []
