from hypothesis import given
from hypothesis import strategies as st

from transcribe_service.recognition.prompt import MAX_CHARACTERS, prompt_of


def test_without_anything_to_say_there_is_no_prompt() -> None:
    assert prompt_of(carried="", of_connection=" ", vocabulary=(" ", "")) == ""


def test_the_vocabulary_comes_last_because_the_last_counts_most() -> None:
    prompt = prompt_of(carried="and then", of_connection="A stand-up.", vocabulary=("Łódź", " kubectl "))
    assert prompt == "and then A stand-up. Glossary: Łódź, kubectl."


@given(st.text(max_size=2000), st.text(max_size=2000), st.lists(st.text(max_size=50), max_size=40))
def test_it_is_never_longer_than_whisper_looks_at(carried: str, own: str, vocabulary: list[str]) -> None:
    assert len(prompt_of(carried=carried, of_connection=own, vocabulary=vocabulary)) <= MAX_CHARACTERS


def test_the_front_is_cut_at_a_word() -> None:
    prompt = prompt_of(carried="early " * 300, of_connection="", vocabulary=("Ada",))
    assert prompt.startswith("early ")
    assert prompt.endswith("early Glossary: Ada.")
