from collections import Counter

from hypothesis import given

from tests.transcribe_service.fakes import heard as answer
from tests.transcribe_service.fakes import segment_ready
from tests.transcribe_service.recognition.disbelief.answers import answers, said
from transcribe_service.recognition.disbelief.heard import Heard, heard_in
from transcribe_service.recognition.disbelief.rules import RULES, believed
from transcribe_service.whisper.client import WhisperResult, WhisperSegment, WhisperWord


@given(answers)
def test_what_is_believed_is_a_part_of_what_was_heard_and_the_rest_is_counted(heard: Heard) -> None:
    left = believed(heard)
    following = iter(heard.words)
    assert all(any(word is other for other in following) for word in left.words), "in the same order"
    assert len(left.words) + sum(left.dropped.values()) == len(heard.words)
    assert set(left.dropped) <= RULES.keys()
    assert all(count > 0 for count in left.dropped.values())


@given(answers)
def test_every_rule_names_positions_that_are_there(heard: Heard) -> None:
    for unbelieved in RULES.values():
        assert unbelieved(heard) <= set(range(len(heard.words)))


def test_what_was_said_well_is_believed_as_a_whole() -> None:
    heard = said("We measured it twice and it was the same.", avg_logprob=-0.3, no_speech_prob=0.02)
    assert believed(heard).words == heard.words
    assert believed(heard).dropped == {}


def test_each_word_is_dropped_for_one_reason() -> None:
    heard = said("... mm, mm, mm, mm, mm, mm, mm, mm, mm, mm, mm, mm, mm, mm", avg_logprob=-0.2, no_speech_prob=0.35)
    left = believed(heard)
    assert left.words == ()
    assert Counter(left.dropped) == {"no_letters": 1, "compression_ratio": 14}


def test_an_answer_without_any_times_is_spread_over_the_audio() -> None:
    heard = heard_in(WhisperResult(text="one two three four"), segment_ready())
    assert [word.text for word in heard.words] == ["one", "two", "three", "four"]
    assert (heard.words[0].start_s, round(heard.words[-1].end_s, 6), heard.audio_s) == (0.2, 10.2, 10.4)
    assert [span.text for span in heard.spans] == ["one two three four"]


def test_an_answer_with_spans_and_no_words_has_no_words() -> None:
    result = WhisperResult(text="", segments=(WhisperSegment(0.0, 1.0, ""),))
    assert heard_in(result, segment_ready()).words == ()


def test_words_without_text_are_no_words() -> None:
    assert [word.text for word in heard_in(answer(("a", 0, 1), (" ", 1, 2), ("", 2, 3)), segment_ready()).words] == [
        "a"
    ]


def test_a_word_on_the_edge_of_two_spans_belongs_to_the_better_one() -> None:
    words = (WhisperWord("in", 0.8, 1.0, 0.9), WhisperWord("between", 0.9, 1.1, 0.9), WhisperWord("out", 1.1, 1.4, 0.9))
    bad, good = WhisperSegment(0.0, 1.0, "in between"), WhisperSegment(1.0, 2.0, "out")
    heard = Heard(words, (bad, good), 3.0)
    assert heard.only_in(lambda span: span is bad) == {0}
    assert heard.only_in(lambda span: span is good) == {2}
    assert heard.only_in(lambda _: True) == {0, 1, 2}
    assert heard.only_in(lambda _: False) == frozenset()
