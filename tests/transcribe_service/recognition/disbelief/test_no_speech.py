import pytest

from tests.transcribe_service.recognition.disbelief.answers import said, texts
from transcribe_service.recognition.disbelief.heard import Heard
from transcribe_service.recognition.disbelief.no_speech import no_speech
from transcribe_service.whisper.client import WhisperSegment, WhisperWord


@pytest.mark.parametrize(
    ("no_speech_prob", "avg_logprob", "is_dropped"),
    [(0.8, -1.4, True), (0.52, -1.0, True), (0.43, -0.72, True), (0.9, -0.2, False), (0.26, -1.1, False)],
    ids=["silence", "thank you after a sentence", "a hummed note", "sure of its words", "spoken badly"],
)
def test_a_span_is_dropped_that_is_no_speech_and_badly_heard(
    no_speech_prob: float, avg_logprob: float, is_dropped: bool
) -> None:
    heard = said("Thank you.", no_speech_prob=no_speech_prob, avg_logprob=avg_logprob)
    assert no_speech(heard) == (frozenset({0, 1}) if is_dropped else frozenset())


def test_other_spans_of_the_same_answer_stay() -> None:
    spans = (
        WhisperSegment(0.0, 5.0, "real", avg_logprob=-0.2, no_speech_prob=0.9),
        WhisperSegment(5.0, 10.0, "invented", avg_logprob=-1.2, no_speech_prob=0.7),
    )
    heard = Heard((WhisperWord("real", 0.5, 1.0, 0.9), WhisperWord("invented", 5.5, 6.0, 0.1)), spans, 10.4)
    assert texts(heard, no_speech(heard)) == "real"


def test_where_the_server_does_not_tell_nothing_is_dropped() -> None:
    assert no_speech(said("Thank you.")) == frozenset()
    assert no_speech(said("Thank you.", no_speech_prob=0.9)) == frozenset()
    assert no_speech(said("Thank you.", avg_logprob=-2.0)) == frozenset()


def test_a_span_of_many_words_that_is_hard_to_hear_stays() -> None:
    sentence = "So the first thing that we looked at was how long people wait"
    in_noise = said(sentence, no_speech_prob=0.5, avg_logprob=-0.9)
    assert no_speech(in_noise) == frozenset()
    silence = said(sentence, no_speech_prob=0.7, avg_logprob=-1.2)
    assert texts(silence, no_speech(silence)) == ""
