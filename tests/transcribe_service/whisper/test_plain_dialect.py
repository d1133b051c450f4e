from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from common.errors import Permanent, Retryable
from tests.transcribe_service.whisper.caller import Caller
from tests.transcribe_service.whisper.whisper_server import Reply, ScriptedWhisper
from transcribe_service.whisper.calls import WhisperCalls
from transcribe_service.whisper.client import WhisperSegment, WhisperWord
from transcribe_service.whisper.plain_dialect import PlainDialect, read_answer

WORDS = [[0.2, 0.5, " Good", 0.9], [0.5, 1.0, " morning.", 1.0000001]]
SEGMENT = [1, 0, 0.2, 1.0, " Good morning.", [50364, 2205], 0.0, -0.25, 1.1, 0.01, WORDS]
ANSWER = {"segments": [SEGMENT]}


def body(answer: object) -> bytes:
    return msgspec.json.encode(answer)


def plain(url: str, calls: WhisperCalls) -> PlainDialect:
    return PlainDialect(url, calls=calls)


def test_the_audio_is_the_body_and_everything_else_in_the_query(server: ScriptedWhisper) -> None:
    server.replies = [Reply(body=body(ANSWER))]
    result = Caller(f"{server.url}/transcribe?key=1", token="secret", dialect=plain)(language="en", prompt="Ada & Łódź")
    assert result.text == "Good morning."
    (received,) = server.received
    path, query = urlsplit(received.path).path, parse_qs(urlsplit(received.path).query)
    assert path == "/transcribe"
    assert query == {"key": ["1"], "task": ["transcribe"], "language": ["en"], "prefix": ["Ada & Łódź"]}
    assert (received.body, received.content_type, received.authorization) == (
        b"fLaC\x00\xff",
        "audio/flac",
        "Bearer secret",
    )


def test_what_is_not_set_is_not_asked(server: ScriptedWhisper) -> None:
    server.replies = [Reply(body=body(ANSWER))]
    Caller(server.url, dialect=plain)(model="large-v3")
    assert parse_qs(urlsplit(server.received[0].path).query) == {"task": ["transcribe"]}


def test_the_answer_has_words_and_what_whisper_thinks_of_them() -> None:
    result = read_answer(body(ANSWER))
    assert result.words == (WhisperWord(" Good", 0.2, 0.5, 0.9), WhisperWord(" morning.", 0.5, 1.0, 1.0))
    assert result.segments == (WhisperSegment(0.2, 1.0, " Good morning.", -0.25, 0.01, 1.1),)
    assert result.language == ""


def test_fields_of_later_versions_are_left_alone() -> None:
    assert read_answer(body({"segments": [[*SEGMENT, "more"]], "language": "de", "info": {}})).language == "de"


def test_segments_without_word_times_get_them_from_their_letters() -> None:
    result = read_answer(body({"segments": [[*SEGMENT[:10], None], SEGMENT[:5]]}))
    assert [word.text for word in result.words] == ["Good", "morning."] * 2
    assert result.words[0].probability == pytest.approx(0.7788, abs=1e-3)
    assert result.words[2].probability == 0


def test_silence_is_an_answer() -> None:
    result = read_answer(b'{"segments": []}')
    assert (result.text, result.words, result.segments) == ("", (), ())


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"{}",
        b'{"segments": [{"start": 0}]}',
        body({"segments": [[1, 0, 1e300, 1.0, "x"]]}),
        body({"segments": [[1, 0, 0.0, 1.0]]}),
        b'{"segments": ' + b"[" * 10_000,
    ],
)
def test_what_is_no_answer_is_asked_for_again(answer: bytes) -> None:
    with pytest.raises(Retryable) as failed:
        read_answer(answer)
    assert failed.value.reason == "whisper_invalid_answer"


def test_a_language_that_the_server_refuses_costs_no_words(server: ScriptedWhisper) -> None:
    server.replies = [Reply(status=400), Reply(body=body(ANSWER))]
    assert Caller(server.url, dialect=plain)(language="xx").text == "Good morning."
    assert len(server.received) == 2
    server.replies = [Reply(status=400)]
    with pytest.raises(Permanent):
        Caller(server.url, dialect=plain)(language="xx")
