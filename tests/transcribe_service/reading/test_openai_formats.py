"""OpenAI's two formats, read back with the official client's own models."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from openai.types.audio import TranscriptionDiarized, TranscriptionVerbose

from common.events import StreamOptions
from tests.transcribe_service.spoken import meetings, segment, stream
from transcribe_service.reading.captions.diarized_json import diarized_json
from transcribe_service.reading.captions.spoken_length import audio_s, whole_text
from transcribe_service.reading.captions.verbose_json import verbose_json
from transcribe_service.reading.transcript import Transcript, transcript

transcripts = st.builds(lambda segments: transcript("m1", [stream()], segments, provisional=True), meetings)
EXAMPLE = transcript(
    "m1",
    [stream(segments=2)],
    [
        segment(("Good", 0, 200, "Ada"), ("morning.", 200, 700, "Ada"), ("Hello.", 900, 1200, None)),
        segment(("Bonjour.", 61_000, 61_505, "Grace"), start_ms=60_000, end_ms=62_000, language="french"),
    ],
)


def verbose(document: Transcript) -> TranscriptionVerbose:
    return TranscriptionVerbose.model_validate_json(verbose_json(document), strict=True)


def diarized(document: Transcript) -> TranscriptionDiarized:
    return TranscriptionDiarized.model_validate_json(diarized_json(document), strict=True)


@given(transcripts)
def test_both_say_every_utterance_in_order(document: Transcript) -> None:
    long, short = verbose(document), diarized(document)
    said = [(each.start_ms, each.end_ms, each.text) for each in document.utterances]
    for segments in (long.segments or [], short.segments):
        assert [(round(each.start * 1000), round(each.end * 1000), each.text) for each in segments] == said
    assert [each.speaker for each in short.segments] == [each.speaker or "" for each in document.utterances]
    words = [(word.text, word.start_ms, word.end_ms) for each in document.utterances for word in each.words]
    assert [(each.word, round(each.start * 1000), round(each.end * 1000)) for each in long.words or []] == words
    assert long.text == short.text == whole_text(document)
    assert long.duration == short.duration >= max((each.end for each in short.segments), default=0)


@given(transcripts)
def test_ids_are_the_place_in_the_list(document: Transcript) -> None:
    assert [each.id for each in verbose(document).segments or []] == list(range(len(document.utterances)))
    assert [each.id for each in diarized(document).segments] == [f"seg_{n}" for n in range(len(document.utterances))]


def test_verbose_by_example() -> None:
    found = verbose(EXAMPLE)
    assert (found.text, found.language, found.duration) == ("Good morning. Hello. Bonjour.", "en", 61.505)
    assert found.segments is not None
    first, _, third = found.segments
    assert (first.start, first.end, first.seek, third.seek) == (0.0, 0.7, 0, 6100)
    assert first.avg_logprob == pytest.approx(math.log(0.9), abs=1e-4)
    assert first.compression_ratio == pytest.approx(13 / 21, abs=1e-4)
    assert (first.tokens, first.temperature, first.no_speech_prob) == ([], 0, 0)
    assert found.usage is not None
    assert found.usage.seconds == 61.505


def test_a_speaker_whom_nobody_knows_is_blank() -> None:
    assert [each.speaker for each in diarized(EXAMPLE).segments] == ["Ada", "", "Grace"]


def test_silence_has_a_length_and_no_language() -> None:
    found = verbose(transcript("m1", [stream(segments=0)], []))
    assert (found.text, found.language, found.duration, found.segments, found.words) == ("", "", 60.0, [], [])


def test_a_summed_up_length_is_not_taken_for_the_audio_s() -> None:
    apart = replace(stream(segments=1), options=StreamOptions(channels="separate"))
    assert audio_s(transcript("m1", [apart], [segment(("Hi.", 0, 400, "Ada"))])) == 0.4


def test_no_probability_at_all_is_still_a_number() -> None:
    (word,) = segment(("Hm.", 0, 400, None)).words
    doubtful = replace(segment(), words=(replace(word, probability=0.0),))
    assert verbose(transcript("m1", [stream()], [doubtful])).segments[0].avg_logprob < -20  # type: ignore[index]  # there is one
