import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnscribe.schema import Word
from turnscribe.scoring import GroundTruth, TrueTurn, lost_or_doubled_at_cuts, normalised, read_ground_truth, score

TEXT = st.lists(st.sampled_from(["yes", "no", "tea", "milk", "sugar"]), max_size=12).map(" ".join)
TURNS = st.lists(st.tuples(st.sampled_from("AB"), TEXT), max_size=5)


def truth(*turns: tuple[str, str]) -> GroundTruth:
    """Turns of ten seconds after each other."""
    return GroundTruth(tuple(TrueTurn(who, 10.0 * n, 10.0 * n + 10, text) for n, (who, text) in enumerate(turns)))


def words(text: str, speaker: str | None = None, *, from_ms: int = 0) -> list[Word]:
    """Half a second each."""
    return [Word(word, from_ms + 500 * n, from_ms + 500 * n + 400, 0.9, speaker) for n, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, well -- WELL!", ["well", "well", "well"]),
        ("Don’t 'quote' the ’bus", ["don't", "quote", "the", "bus"]),
        ("box-car №5", ["box", "car", "no5"]),
        ("… ' —", []),
        ("Šárka überlegt", ["šárka", "überlegt"]),
    ],
)
def test_normalised(text: str, expected: list[str]) -> None:
    assert normalised(text) == expected


@given(TURNS)
def test_a_perfect_transcript(turns: list[tuple[str, str]]) -> None:
    heard = [word for who, text in turns for word in words(text, who)]
    result = score(truth(*turns), heard)
    assert result.word_error_rate == 0
    assert result.right_speaker == result.recognised == result.reference_words == len(heard)


@given(TURNS, TEXT)
def test_every_word_is_counted_once(turns: list[tuple[str, str]], heard: str) -> None:
    result = score(truth(*turns), words(heard, "A"))
    assert result.recognised + result.substituted + result.lost == result.reference_words
    assert result.recognised + result.substituted + result.invented == result.transcript_words
    assert result.right_speaker + result.no_speaker <= result.recognised


def test_errors_and_speakers() -> None:
    result = score(
        truth(("Ann", "one two three"), ("Bob", "four five six seven")),
        [*words("One, too", "Ann"), *words("three four", None), *words("Five six seven eight", "Bob")],
    )
    assert (result.substituted, result.lost, result.invented) == (1, 0, 1)
    assert result.word_error_rate == pytest.approx(2 / 7)
    assert (result.recognised, result.right_speaker, result.no_speaker) == (6, 4, 2)
    assert result.speaker_accuracy == pytest.approx(4 / 6)


def test_nothing_said_and_nothing_heard() -> None:
    assert score(truth(), []).word_error_rate == 0
    assert score(truth(), words("you")).word_error_rate == 1
    assert score(truth(("Ann", "you")), []).speaker_accuracy == 0


def test_turns_that_overlap_are_read_one_after_the_other() -> None:
    overlapping = GroundTruth((TrueTurn("B", 4.0, 9.0, "three four"), TrueTurn("A", 0.0, 5.0, "one two")))
    assert score(overlapping, [*words("one two", "A"), *words("three four", "B")]).speaker_accuracy == 1


def test_a_word_lost_at_a_cut_is_one_that_the_uncut_audio_gave() -> None:
    said = truth(("A", "one two three four five six"))
    one_pass = words("one two three four five six")
    assert lost_or_doubled_at_cuts(said, words("one two four five six"), one_pass, [1_100]).lost == ((2, "three"),)
    assert not lost_or_doubled_at_cuts(said, words("one two four five six"), one_pass, [9_000]).lost
    assert not lost_or_doubled_at_cuts(said, words("one two four five"), words("one two four five"), [1_100]).lost


def test_a_word_that_was_misheard_together_with_its_neighbour_is_not_lost() -> None:
    said = truth(("A", "bachelor hall in the lodge"))
    damage = lost_or_doubled_at_cuts(
        said, words("bachelor holland lodge"), words("bachelor hall in the lodge"), [1_000]
    )
    assert not damage.lost


def test_words_lost_while_two_people_speak_are_told_apart() -> None:
    both = GroundTruth((TrueTurn("A", 0.0, 3.0, "one two three four"), TrueTurn("B", 1.2, 4.0, "five six")))
    one_pass = words("one two three four five six")
    damage = lost_or_doubled_at_cuts(both, words("one two four five six"), one_pass, [1_100])
    assert (damage.lost, damage.lost_in_overlap) == ((), ((2, "three"),))


def test_a_word_doubled_at_a_cut_stands_on_both_sides_of_it() -> None:
    said = truth(("A", "one two three four"))
    heard = [*words("one two"), *words("two three four", from_ms=1_000)]
    assert [text for _, text in lost_or_doubled_at_cuts(said, heard, heard, [950]).doubled] == ["two"]
    assert not lost_or_doubled_at_cuts(said, heard, heard, [2_300]).doubled
    invented = words("one two you three four")
    assert not lost_or_doubled_at_cuts(said, invented, invented, [950]).doubled


def test_a_ground_truth_that_is_none_says_why() -> None:
    assert (
        read_ground_truth(b'{"turns":[{"speaker":"A","start":0,"end":1.5,"text":"hm"}],"seed":7}').turns[0].end == 1.5
    )
    with pytest.raises(ValueError, match=r"turns\[0\]"):
        read_ground_truth(b'{"turns":[{"speaker":"A","start":"0","end":1.5,"text":"hm"}]}')
