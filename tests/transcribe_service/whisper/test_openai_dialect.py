import pytest

from common.errors import Permanent
from tests.transcribe_service.whisper.caller import Caller
from tests.transcribe_service.whisper.whisper_server import Reply, ScriptedWhisper
from transcribe_service.whisper.openai_dialect import transcriptions_url


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


def test_a_language_that_the_server_refuses_costs_no_words(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=400), Reply()]
    assert Caller(server.url)(language="xx").text == "hi"
    assert [received.fields.get("language") for received in server.received] == [[b"xx"], None]


def test_audio_that_is_refused_in_any_language_is_refused(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=415)]
    with pytest.raises(Permanent):
        Caller(server.url)(language="en")
    assert len(server.received) == 2


@pytest.mark.parametrize(
    "given", ["http://w", "http://w/", "http://w/v1", "http://w/v1/", "http://w/v1/audio/transcriptions"]
)
def test_the_url_may_be_given_in_any_length(given: str) -> None:
    assert transcriptions_url(given) == "http://w/v1/audio/transcriptions"


def test_a_path_before_v1_is_kept() -> None:
    assert transcriptions_url("https://w/speech/") == "https://w/speech/v1/audio/transcriptions"
