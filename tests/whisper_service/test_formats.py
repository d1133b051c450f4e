import json
import re

from hypothesis import given
from hypothesis import strategies as st

from whisper_service.formats import FORMATS, timestamp
from whisper_service.transcription import Request, Segment, Transcription, Word


def segment(index, start, end, text):
    return Segment(index, 0, start, end, text, (1, 2, 3), 0.0, -0.25, 1.2, 0.01)


ANSWER = Transcription(
    language="en",
    duration_s=3661.5,
    segments=(segment(0, 0.0, 1.25, " Good morning."), segment(1, 3600.0, 3661.5, " How\n\n--> are you?")),
    words=(Word("Good", 0.0, 0.5, 0.9),),
)
NOTHING = Transcription(language="en", duration_s=1.0, segments=())


def written(name, transcription=ANSWER, **request):
    return FORMATS[name].write(transcription, Request(**request))


def test_json_holds_the_text_only():
    assert json.loads(written("json")) == {"text": "Good morning. How\n\n--> are you?"}


def test_verbose_json_holds_what_openai_s_does():
    answer = json.loads(written("verbose_json", word_times=True))
    assert list(answer) == ["task", "language", "duration", "text", "segments", "words"]
    assert answer["duration"] == 3661.5
    assert answer["words"] == [{"word": "Good", "start": 0.0, "end": 0.5, "probability": 0.9}]
    assert answer["segments"][0] == {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": 1.25,
        "text": " Good morning.",
        "tokens": [1, 2, 3],
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 1.2,
        "no_speech_prob": 0.01,
    }


def test_words_come_only_when_they_were_asked_for():
    assert "words" not in json.loads(written("verbose_json", word_times=False))
    assert json.loads(written("verbose_json", NOTHING, word_times=True))["words"] == []


def test_text_is_the_text_and_a_newline():
    assert written("text", NOTHING) == "\n"
    assert written("text").startswith("Good morning.")


def test_srt():
    assert written("srt") == (
        "1\n00:00:00,000 --> 00:00:01,250\nGood morning.\n\n2\n01:00:00,000 --> 01:01:01,500\nHow -> are you?\n\n"
    )
    assert written("srt", NOTHING) == ""


def test_vtt():
    assert written("vtt") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nGood morning.\n\n01:00:00.000 --> 01:01:01.500\nHow -> are you?\n\n"
    )
    assert written("vtt", NOTHING) == "WEBVTT\n\n"


@given(st.integers(0, 10**9))
def test_a_timestamp_keeps_every_millisecond(ms):
    hours, minutes, seconds, rest = map(
        int, re.fullmatch(r"(\d\d+):([0-5]\d):([0-5]\d),(\d{3})", timestamp(ms / 1000, ",")).groups()
    )
    assert ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest == ms


@given(st.lists(st.text(), max_size=5))
def test_no_text_breaks_the_cues(texts):
    answer = Transcription(
        language="en",
        duration_s=60.0,
        segments=tuple(segment(index, float(index), index + 0.5, text) for index, text in enumerate(texts)),
    )
    assert written("vtt", answer).count("-->") == len(texts)
    assert written("srt", answer).count("-->") == len(texts)
