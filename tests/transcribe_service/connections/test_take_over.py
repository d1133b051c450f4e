"""Two connections hear the same words around a take-over, at slightly different times, and the first one is cut off in a word."""

from hypothesis import given
from hypothesis import strategies as st

from common.ports.transcript_store import SegmentTranscript, Word
from tests.transcribe_service.connections.several_connections import Said, connection, heard_segment, shown
from transcribe_service.connections.take_over import CLOCKS_MS, REACH_MS

STREAMS = [connection("c1", opened=0), connection("c2", opened=1)]


@st.composite
def flowing(draw: st.DrawFn) -> list[Said]:
    """Words that all differ, without long pauses: some are said near every moment."""
    said, at = [], 0
    for number, (pause, length) in enumerate(
        draw(st.lists(st.tuples(st.integers(20, 300), st.integers(150, 500)), min_size=20, max_size=40))
    ):
        said.append((f"word{number}", at + pause, at + pause + length))
        at += pause + length
    return said


def texts(segments: list[SegmentTranscript]) -> list[str]:
    return [text for text, _ in shown(STREAMS, segments)]


@given(flowing(), st.integers(3_000, 6_000), st.integers(-300, 300), st.booleans())
def test_whatever_the_clocks_say_no_word_is_lost_or_doubled(
    said: list[Said], cut: int, skew: int, cut_word: bool
) -> None:
    """c1 ends at `cut`; the word that is being said then it has not at all, or as something else."""
    end = said[-1][2] + 1000
    whole = [word for word in said if word[2] <= cut]
    broken = [("brok", at, cut) for _, at, until in said if at < cut - 60 < cut < until] if cut_word else []
    first = heard_segment("c1", 0, cut, whole + broken)
    second = heard_segment("c2", 0, end, said, skew=skew)
    assert sorted(texts([first, second])) == sorted(text for text, _, _ in said)


@given(flowing(), st.integers(3_000, 6_000), st.integers(-300, 300), st.booleans())
def test_nor_where_the_primary_is_back(said: list[Said], back: int, skew: int, cut_word: bool) -> None:
    end = said[-1][2] + 1000
    whole = [word for word in said if word[1] >= back]
    broken = [("oken", back, until) for _, at, until in said if at < back < back + 60 < until] if cut_word else []
    first = heard_segment("c1", back, end, broken + whole, whole_from=back)
    second = heard_segment("c2", 0, end, said, skew=skew)
    assert sorted(texts([first, second])) == sorted(text for text, _, _ in said)


def test_case_and_punctuation_make_no_other_word() -> None:
    first = heard_segment("c1", 0, 2000, [("We", 200, 500), ("agree", 600, 1000), ("Then", 1500, 1900)])
    second = heard_segment(
        "c2", 0, 4000, [("we", 350, 650), ("agree,", 750, 1150), ("then.", 1650, 2100), ("Next", 2400, 2800)]
    )
    assert texts([first, second]) == ["We", "agree", "Then", "Next"]


def test_where_they_agree_on_nothing_the_middle_of_the_word_decides() -> None:
    first = heard_segment("c1", 0, 2000, [("one", 1000, 1400), ("tooth", 1500, 1950)])
    second = heard_segment("c2", 0, 4000, [("won", 900, 1300), ("to", 1700, 2200), ("three", 2400, 2800)])
    assert texts([first, second]) == ["one", "tooth", "three"]


def test_what_only_the_first_heard_before_it_ended_stays() -> None:
    first = heard_segment("c1", 0, 2000, [("we", 200, 500), ("agree", 600, 1000), ("quietly", 1500, 1900)])
    second = heard_segment("c2", 0, 4000, [("we", 200, 500), ("agree", 600, 1000), ("next", 2400, 2800)])
    assert texts([first, second]) == ["we", "agree", "quietly", "next"]


def test_a_word_that_is_said_again_much_later_is_another_one() -> None:
    first = heard_segment("c1", 0, 2000, [("yes", 100, 400)])
    again = 2000 + CLOCKS_MS
    second = heard_segment("c2", 2000, 6000, [("yes", again, again + 300)])
    assert texts([first, second]) == ["yes", "yes"]


def test_a_short_hole_is_filled_and_nothing_around_it_is_doubled() -> None:
    said = [(f"w{n}", 500 * n, 500 * n + 400) for n in range(24)]
    segments = [
        heard_segment("c1", 0, 5_000, said, whole_from=0),
        heard_segment("c1", 5_000 + REACH_MS // 4, 12_000, said, whole_from=5_000 + REACH_MS // 4),
        heard_segment("c2", 0, 12_000, said, skew=200),
    ]
    assert sorted(texts(segments)) == sorted(text for text, _, _ in said)


def test_words_without_a_letter_agree_with_nothing() -> None:
    first = heard_segment("c1", 0, 2000, [("one", 1000, 1400), ("-", 1500, 1900)])
    second = heard_segment("c2", 2000, 4000, [("…", 2100, 2300), ("three", 2400, 2800)])
    assert isinstance(first.words[1], Word)
    assert texts([first, second]) == ["one", "-", "…", "three"]
