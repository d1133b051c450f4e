import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_service.comparable import comparable


@pytest.mark.parametrize(
    ("one", "other"), [("Thank", "thank,"), ("STRASSE", "straße"), ("it’s", "its"), ("ﬁne", "fine."), ("...", "♪")]
)
def test_case_and_punctuation_do_not_count(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


@given(st.text())
def test_what_stands_around_a_word_does_not_count_and_its_letters_do(text: str) -> None:
    assert comparable(f" {text}-.") == comparable(text)
    assert comparable(f"{text} x") != comparable(text)
    assert comparable("can") != comparable("can't")
