import pytest
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsNonStreaming
from werkzeug.datastructures import MultiDict

from common.events import StreamOptions
from common.problems import Problem
from ingest_service.http.transcription_form import (
    MAX_PROMPT_CHARACTERS,
    UNSUPPORTED,
    TranscriptionFields,
    the_file,
    transcription_fields,
)

MINIMUM = ("model", "whisper-1")


def fields(*given: tuple[str, str]) -> TranscriptionFields:
    return transcription_fields(MultiDict([MINIMUM, *given]))


def refusal(*given: tuple[str, str], form: MultiDict[str, str] | None = None) -> str:
    with pytest.raises(Problem) as caught:
        transcription_fields(form if form is not None else MultiDict([MINIMUM, *given]))
    assert (caught.value.status, caught.value.kind) == (400, "invalid-parameter")
    return caught.value.detail


def test_the_least_that_a_client_sends() -> None:
    found = fields()
    assert found.response_format == "json"
    assert found.options("audio/webm") == StreamOptions(content_type="audio/webm")
    assert (found.with_segments, found.with_words) == (True, False)


def test_everything_that_is_understood() -> None:
    found = fields(
        ("language", "pt-BR"),
        ("prompt", "Whatever was said before."),
        ("response_format", "verbose_json"),
        ("temperature", "0.2"),
        ("timestamp_granularities[]", "word"),
        ("stream", "false"),
        ("chunking_strategy", "auto"),
        ("channels", "separate"),
        ("channel_speakers", "Ada,Grace"),
    )
    wanted = StreamOptions(
        language="pt-BR", channels="separate", channel_speakers=("Ada", "Grace"), prompt="Whatever was said before."
    )
    assert found.options("") == wanted
    assert (found.with_segments, found.with_words) == (False, True)


def test_of_a_long_prompt_its_end_counts() -> None:
    long = "early " * 500 + "late"
    assert fields(("prompt", long)).options("").prompt == long[-MAX_PROMPT_CHARACTERS:]


def test_words_and_segments() -> None:
    both = fields(
        ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
    )
    assert (both.with_segments, both.with_words) == (True, True)


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (
            ("response_format", "docx"),
            "response_format must be json or text or srt or vtt or verbose_json or diarized_json",
        ),
        (("temperature", "1.5"), "temperature is wrong: Expected `float` <= 1.0"),
        (("temperature", "warm"), "temperature is wrong"),
        (("temperature", "nan"), "temperature is wrong"),
        (("stream", "true"), "stream must be false"),
        (("chunking_strategy", "server_vad"), "chunking_strategy must be auto"),
        (("chunking_strategy[type]", "server_vad"), "chunking_strategy[type] is no field of this route"),
        (("timestamp_granularities[]", "word"), "timestamp_granularities[] needs response_format=verbose_json"),
        (("timestamp_granularities[]", "phrase"), "timestamp_granularities[] must be word or segment"),
        (("model", "another"), "model is given more than once"),
        (("include[]", "logprobs"), "include[] is not supported"),
        (("known_speaker_names[]", "Ada"), "known_speaker_names[] is not supported"),
        (("lang", "en"), "lang is no field of this route; it knows file, model, language"),
    ],
)
def test_what_is_wrong_is_named(given: tuple[str, str], detail: str) -> None:
    assert refusal(given).startswith(detail)


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (("language", "the English one"), "language is no language code"),
        (("channel_speakers", "Ada"), "channel_speakers needs channels=separate"),
    ],
)
def test_what_every_way_in_refuses_is_refused_here(given: tuple[str, str], detail: str) -> None:
    with pytest.raises(Problem, match=detail):
        fields(given).options("audio/webm")


def test_a_model_must_be_named() -> None:
    assert refusal(form=MultiDict()) == "model is missing"
    assert refusal(form=MultiDict([("model", "")])).startswith("model is wrong")


def test_the_file_is_one_and_called_file() -> None:
    assert the_file(MultiDict([("file", 1)])) == 1
    for files, detail in (
        (MultiDict[str, int](), "file is missing"),
        (MultiDict([("file", 1), ("file", 2)]), "file is given more than once"),
        (MultiDict([("file", 1), ("audio", 2)]), "audio is no file of this route"),
        (MultiDict([("known_speaker_references[]", 1)]), "known_speaker_references\\[\\] is not supported"),
    ):
        with pytest.raises(Problem, match=detail):
            the_file(files)


def test_every_field_of_the_official_client_is_understood_or_refused_by_name() -> None:
    known = {name.removesuffix("[]") for name in (*TranscriptionFields.__struct_encode_fields__, *UNSUPPORTED, "file")}
    assert set(TranscriptionCreateParamsNonStreaming.__annotations__) <= known
