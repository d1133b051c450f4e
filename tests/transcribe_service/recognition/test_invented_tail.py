import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ports.transcript_store import Word
from transcribe_service.recognition.invented_tail import LONGEST_TAIL, UNLIKELY, without_invented_tail


def words(*probabilities: float) -> tuple[Word, ...]:
    return tuple(Word(f"w{n}", 300 * n, 300 * n + 250, probability) for n, probability in enumerate(probabilities))


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
    assert without_invented_tail(words(*probabilities)) == words(*probabilities)[:kept]


@given(st.lists(st.floats(0, 1), max_size=20))
def test_what_is_kept_is_the_beginning_and_stays_so(probabilities: list[float]) -> None:
    heard = words(*probabilities)
    kept = without_invented_tail(heard)
    assert kept == heard[: len(kept)]
    assert len(heard) - len(kept) <= LONGEST_TAIL
    assert all(word.probability == 0 or word.probability >= UNLIKELY for word in heard[-LONGEST_TAIL : len(kept)])
