import socket
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from common.errors import Backpressure, Permanent, Retryable, TurnscribeError
from common.settings import Secret
from tests.clocks import FakeClock
from tests.transcribe_service.whisper.whisper_server import Reply, ScriptedWhisper, scripted_whisper
from transcribe_service.whisper.client import WhisperResult
from transcribe_service.whisper.openai_dialect import OpenAiDialect, WhisperLimits, transcriptions_url

LIMITS = WhisperLimits(timeout_s=10, budget_s=50, connections=2)


@pytest.fixture
def server() -> Iterator[ScriptedWhisper]:
    with scripted_whisper() as script:
        yield script


class Caller:
    """A client on a clock that only its own pauses move."""

    def __init__(self, url: str, *, token: str = "", limits: WhisperLimits = LIMITS) -> None:
        self.clock = FakeClock()
        self.pauses_s: list[float] = []
        self.client = OpenAiDialect(
            url, model="tiny", token=Secret(token), limits=limits, clock=self.clock, sleep=self._sleep
        )

    def _sleep(self, seconds: float) -> None:
        self.pauses_s.append(seconds)
        self.clock.sleep(seconds)

    def __call__(self, language: str = "", prompt: str = "") -> WhisperResult:
        try:
            return self.client.transcribe(b"fLaC\x00\xff", language=language, prompt=prompt)
        finally:
            self.client.close()

    def failure(self) -> TurnscribeError:
        with pytest.raises(TurnscribeError) as failed:
            self()
        return failed.value


def test_the_request_is_openais(server: ScriptedWhisper) -> None:
    result = Caller(server.url, token="secret")(language="en", prompt="Names: Ada")
    assert result.text == "hi"
    (received,) = server.received
    assert received.path == "/v1/audio/transcriptions"
    assert received.authorization == "Bearer secret"
    assert received.fields == {
        "file": [b"fLaC\x00\xff"],
        "model": [b"tiny"],
        "response_format": [b"verbose_json"],
        "timestamp_granularities[]": [b"word", b"segment"],
        "temperature": [b"0"],
        "language": [b"en"],
        "prompt": [b"Names: Ada"],
    }


def test_what_is_not_set_is_not_sent(server: ScriptedWhisper) -> None:
    Caller(server.url)()
    (received,) = server.received
    assert received.authorization is None
    assert {"language", "prompt"}.isdisjoint(received.fields)


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


def test_a_language_that_the_server_refuses_costs_no_words(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=400), Reply()]
    assert Caller(server.url)(language="xx").text == "hi"
    assert [received.fields.get("language") for received in server.received] == [[b"xx"], None]


def test_audio_that_is_refused_in_any_language_is_refused(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=415)]
    with pytest.raises(Permanent):
        Caller(server.url)(language="en")
    assert len(server.received) == 2


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


@pytest.mark.parametrize(
    "given", ["http://w", "http://w/", "http://w/v1", "http://w/v1/", "http://w/v1/audio/transcriptions"]
)
def test_the_url_may_be_given_in_any_length(given: str) -> None:
    assert transcriptions_url(given) == "http://w/v1/audio/transcriptions"


def test_a_path_before_v1_is_kept() -> None:
    assert transcriptions_url("https://w/speech/") == "https://w/speech/v1/audio/transcriptions"
