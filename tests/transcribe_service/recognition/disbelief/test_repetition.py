import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcribe_service.recognition.disbelief.answers import said, texts
from transcribe_service.recognition.disbelief.repetition import LEAST_WORDS, loops, repetition

few_words = st.lists(st.sampled_from("abc"), max_size=60)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Thank you. " * 4, "Thank you."),
        ("He said thank you. Thank you, thank you, THANK YOU. And left.", "He said thank you. And left."),
        ("no " * 7 + "way", "no way"),
        ("I want to go home. " * 3, "I want to go home."),
        ("well " + "so I went there and " * 5 + "so I went", "well so I went there and"),
    ],
    ids=["a phrase", "case and punctuation", "a word", "a sentence", "cut short in its last round"],
)
def test_of_a_loop_one_round_is_left(text: str, left: str) -> None:
    heard = said(text)
    assert texts(heard, repetition(heard)) == left


@pytest.mark.parametrize(
    "text",
    [
        "no, no, no, no, no",
        "thank you, thank you, thank you",
        "very very very good and very very very bad",
        "I want to go home. I want to go home.",
        "one two three four five six seven",
    ],
)
def test_people_do_repeat_themselves(text: str) -> None:
    assert repetition(said(text)) == frozenset()


def test_a_loop_that_whisper_half_takes_for_no_speech_was_never_said() -> None:
    heard = said("Mmm! Mmm! Mmm! Mmm! Mmm! Mmm!", no_speech_prob=0.56, avg_logprob=-0.46)
    assert texts(heard, repetition(heard)) == ""
    shorter = said("Mmm... Mmm... Mmm...", no_speech_prob=0.43, avg_logprob=-0.5)
    assert texts(shorter, repetition(shorter)) == ""
    surely = said("Hello? Hello? Hello? Hello? Hello? Hello?", no_speech_prob=0.05, avg_logprob=-0.46)
    assert texts(surely, repetition(surely)) == "Hello?"


@given(few_words, st.lists(st.sampled_from("xyz"), min_size=1, max_size=5), st.integers(6, 9), few_words)
def test_a_loop_is_found_wherever_it_stands(before: list[str], phrase: list[str], times: int, after: list[str]) -> None:
    heard = said(" ".join([*before, *phrase * times, *after]))
    kept = texts(heard, repetition(heard)).split()
    assert sum(word in "xyz" for word in kept) <= len(phrase)
    assert any(word in "xyz" for word in kept)


@given(few_words)
def test_loops_follow_one_another_and_what_they_say_is_so(words: list[str]) -> None:
    end = 0
    for loop in loops(words):
        assert end <= loop.start < loop.end <= len(words)
        assert loop.words >= LEAST_WORDS
        assert all(words[at] == words[at - loop.size] for at in range(loop.start + loop.size, loop.end))
        end = loop.end


@given(few_words)
def test_what_is_left_of_loops_is_a_text_with_the_same_words(words: list[str]) -> None:
    heard = said(" ".join(words))
    kept = texts(heard, repetition(heard)).split()
    assert set(kept) == set(words)
