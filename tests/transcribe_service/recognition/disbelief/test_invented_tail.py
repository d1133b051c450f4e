import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_service.recognition.disbelief.heard import Heard
from transcribe_service.recognition.disbelief.invented_tail import LONGEST_TAIL, UNLIKELY, invented_tail
from transcribe_service.whisper.client import WhisperSegment, WhisperWord


def heard_with(*probabilities: float) -> Heard:
    words = tuple(WhisperWord(f"w{n}", 0.3 * n, 0.3 * n + 0.25, value) for n, value in enumerate(probabilities))
    return Heard(words, (WhisperSegment(0.0, 30.0, ""),), 30.0)


@pytest.mark.parametrize(
    ("probabilities", "kept"),
    [
        ((0.9, 0.8, 0.01, 0.98), 2),
        ((0.9, 0.8, 0.04), 2),
        ((0.01, 0.98), 0),
        ((0.9, 0.8, 0.06), 3),
        ((0.01, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9), 7),
        ((0.9, 0.0, 0.0), 3),
        ((), 0),
    ],
    ids=["thank you", "okay", "nothing but", "unsure", "far from the end", "no probabilities", "no words"],
)
def test_an_invented_tail_begins_with_a_word_that_is_next_to_impossible(
    probabilities: tuple[float, ...], kept: int
) -> None:
    assert invented_tail(heard_with(*probabilities)) == frozenset(range(kept, len(probabilities)))


@given(st.lists(st.floats(0, 1), max_size=20))
def test_what_is_kept_is_the_beginning_and_stays_so(probabilities: list[float]) -> None:
    heard = heard_with(*probabilities)
    kept = heard.without(invented_tail(heard)).words
    assert kept == heard.words[: len(kept)]
    assert len(heard.words) - len(kept) <= LONGEST_TAIL
    assert all(word.probability == 0 or word.probability >= UNLIKELY for word in heard.words[-LONGEST_TAIL : len(kept)])
