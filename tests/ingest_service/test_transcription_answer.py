import json

import msgspec
import pytest

from common.errors import Retryable
from common.openai_transcripts import TextTranscription
from ingest_service.http.transcription_answer import answer, format_to_read
from ingest_service.http.transcription_form import ResponseFormat, TranscriptionFields
from ingest_service.transcript_reader import Written
from tests.ingest_service.transcripts import VERBOSE, WRITTEN


def given(wanted: ResponseFormat, *granularities: str) -> Written:
    fields = TranscriptionFields(model="m", response_format=wanted, timestamp_granularities=granularities)  # type: ignore[arg-type]  # the parser checked them
    return answer(fields, WRITTEN[format_to_read(wanted)])


def test_json_is_text_and_length() -> None:
    found = given("json")
    assert found.content_type == "application/json"
    assert msgspec.json.decode(found.body, type=TextTranscription) == TextTranscription(
        text=VERBOSE.text, usage=VERBOSE.usage
    )


def test_text_is_the_text() -> None:
    assert given("text") == Written(b"Good morning.\n", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("granularities", "there", "not_there"),
    [
        ((), {"segments"}, {"words"}),
        (("word",), {"words"}, {"segments"}),
        (("segment", "word"), {"segments", "words"}, set()),
    ],
)
def test_verbose_json_has_what_was_asked_for(
    granularities: tuple[str, ...], there: set[str], not_there: set[str]
) -> None:
    found = json.loads(given("verbose_json", *granularities).body)
    assert there <= set(found)
    assert not not_there & set(found)
    assert (found["text"], found["duration"]) == (VERBOSE.text, VERBOSE.duration)


@pytest.mark.parametrize("wanted", ["srt", "vtt", "diarized_json"])
def test_the_others_are_handed_on(wanted: ResponseFormat) -> None:
    assert given(wanted) is WRITTEN[wanted]


def test_an_answer_that_is_no_transcript_is_a_passing_fault() -> None:
    with pytest.raises(Retryable):
        answer(TranscriptionFields(model="m"), Written(b"<html>", "text/html"))
