from hypothesis import given
from hypothesis import strategies as st

from common.events import Turn
from common.ports.transcript_store import Word
from transcribe_service.recognition.attribution import REACH_MS, assign_speakers

NAMES = st.sampled_from(["Ada", "Grace", "Edsger"])


@st.composite
def words_in_order(draw: st.DrawFn) -> list[Word]:
    now_ms, words = 0, []
    for pause_ms, length_ms in draw(
        st.lists(st.tuples(st.integers(0, 900), st.integers(0, 700)), min_size=1, max_size=12)
    ):
        words.append(Word("w", now_ms + pause_ms, now_ms + pause_ms + length_ms, 0.9))
        now_ms += pause_ms + length_ms
    return words


turn = st.builds(
    lambda speaker, start_ms, length_ms: Turn(speaker, start_ms, start_ms + length_ms),
    NAMES,
    st.integers(-3000, 12_000),
    st.integers(1, 4000),
)
turns = st.lists(turn, max_size=8)


def covered_ms(word: Word, speaker: str, spoken: list[Turn]) -> int:
    """Brute force: milliseconds of the word in which the speaker has a turn."""
    own = [each for each in spoken if each.speaker == speaker]
    return sum(any(each.start_ms <= at < each.end_ms for each in own) for at in range(word.start_ms, word.end_ms))


def distance_ms(word: Word, spoken: list[Turn]) -> int:
    return min((max(0, each.start_ms - word.end_ms, word.start_ms - each.end_ms) for each in spoken), default=10**9)


@given(words_in_order(), turns)
def test_a_word_goes_to_a_speaker_whom_nobody_covers_more(words: list[Word], spoken: list[Turn]) -> None:
    for before, after in zip(words, assign_speakers(words, spoken), strict=True):
        assert (after.text, after.start_ms, after.end_ms) == (before.text, before.start_ms, before.end_ms)
        if after.speaker is None:
            assert distance_ms(after, spoken) > REACH_MS
        else:
            most_ms = max(covered_ms(after, each.speaker, spoken) for each in spoken)
            assert covered_ms(after, after.speaker, spoken) == most_ms
            own = [each for each in spoken if each.speaker == after.speaker]
            assert distance_ms(after, own) == distance_ms(after, spoken) <= REACH_MS


@given(words_in_order(), turns, st.randoms(use_true_random=False))
def test_the_order_of_turns_does_not_matter(words: list[Word], spoken: list[Turn], random: object) -> None:
    shuffled = sorted(spoken, key=lambda _: random.random())  # type: ignore[attr-defined]  # hypothesis' Random
    assert assign_speakers(words, shuffled) == assign_speakers(words, spoken)


@given(words_in_order(), turns, st.data())
def test_a_turn_told_in_two_pieces_or_twice_is_the_same_turn(
    words: list[Word], spoken: list[Turn], data: st.DataObject
) -> None:
    pieces = []
    for each in spoken:
        middle_ms = data.draw(st.integers(each.start_ms, each.end_ms))
        pieces += [each, Turn(each.speaker, each.start_ms, middle_ms), Turn(each.speaker, middle_ms, each.end_ms)]
    assert assign_speakers(words, pieces) == assign_speakers(words, spoken)


@given(words_in_order(), turns, st.integers(0, 10_000_000))
def test_only_relative_time_matters(words: list[Word], spoken: list[Turn], shift_ms: int) -> None:
    later_words = [Word(w.text, w.start_ms + shift_ms, w.end_ms + shift_ms, w.probability) for w in words]
    later_turns = [Turn(t.speaker, t.start_ms + shift_ms, t.end_ms + shift_ms) for t in spoken]
    here = [word.speaker for word in assign_speakers(words, spoken)]
    there = [word.speaker for word in assign_speakers(later_words, later_turns)]
    assert here == there


def speakers(words: list[tuple[int, int]], spoken: list[Turn]) -> list[str | None]:
    return [word.speaker for word in assign_speakers([Word("w", a, b, 1.0) for a, b in words], spoken)]


def test_a_tie_goes_to_the_previous_words_speaker() -> None:
    spoken = [Turn("Ada", 0, 1500), Turn("Grace", 500, 2500)]
    assert speakers([(0, 400), (600, 1000)], spoken) == ["Ada", "Ada"]
    assert speakers([(1600, 1700), (1800, 1900)], spoken) == ["Grace", "Grace"]


def test_a_tie_without_a_previous_speaker_goes_to_whom_began_last() -> None:
    spoken = [Turn("Grace", 500, 2500), Turn("Ada", 0, 2500)]
    assert speakers([(600, 1000)], spoken) == ["Grace"]


def test_a_word_near_a_turn_belongs_to_it_and_one_far_away_to_nobody() -> None:
    spoken = [Turn("Ada", 1000, 2000)]
    assert speakers([(400, 499), (400, 500), (2500, 2600), (2501, 2600)], spoken) == [None, "Ada", "Ada", None]


def test_without_turns_nobody_spoke() -> None:
    assert speakers([(0, 300)], []) == [None]


def test_a_word_without_length_takes_the_turn_around_it() -> None:
    assert speakers([(1500, 1500)], [Turn("Ada", 1000, 2000), Turn("Grace", 2100, 2500)]) == ["Ada"]
