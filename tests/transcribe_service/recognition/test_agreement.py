from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from common.ports.transcript_store import SegmentTranscript, Word
from tests.transcribe_service.spoken import segment
from transcribe_service.comparable import comparable
from transcribe_service.recognition.agreement import common_prefix, with_confirmed

texts = st.lists(st.sampled_from(["so", "So,", "then", "we", "measured", "it."]), max_size=8)
revisions = st.lists(texts, min_size=1, max_size=6)


def revision(number: int, *words: str, final: bool = False, start_ms: int = 0) -> SegmentTranscript:
    spoken = [(text, start_ms + 300 * at, start_ms + 300 * at + 200, "Ada") for at, text in enumerate(words)]
    return segment(*spoken, revision=number, final=final, start_ms=start_ms)


def confirmed_of(transcript: SegmentTranscript) -> list[str]:
    return [word.text for word in transcript.words if word.confirmed]


def stored_after(heard: list[list[str]]) -> list[SegmentTranscript]:
    """What is stored after each revision of a segment, all of which came in order."""
    stored: list[SegmentTranscript] = []
    for number, words in enumerate(heard, 1):
        stored.append(with_confirmed(revision(number, *words), stored[-1] if stored else None))
    return stored


def test_what_two_revisions_begin_with_is_firm() -> None:
    first, second, third = stored_after([["So", "we"], ["so,", "we", "measure"], ["So", "we", "measured", "it."]])
    assert confirmed_of(first) == []
    assert confirmed_of(second) == ["so,", "we"]
    assert confirmed_of(third) == ["So", "we"]


def test_a_final_revision_is_firm_as_a_whole_whatever_was_stored() -> None:
    before = revision(2, "so", "then")
    assert confirmed_of(with_confirmed(revision(3, "we", "measured", final=True), before)) == ["we", "measured"]
    assert confirmed_of(with_confirmed(revision(3, "we", final=True), None)) == ["we"]


def test_what_whisper_takes_back_is_not_firm_any_more() -> None:
    *_, second, third = stored_after([["so", "we"], ["so", "we"], ["then", "we"]])
    assert confirmed_of(second) == ["so", "we"]
    assert confirmed_of(third) == []


def test_a_revision_that_begins_elsewhere_agrees_with_nothing() -> None:
    before = revision(1, "so", "we")
    elsewhere = msgspec.structs.replace(revision(2, "so", "we", start_ms=512), segment_id=before.segment_id)
    assert confirmed_of(with_confirmed(elsewhere, before)) == []
    assert confirmed_of(with_confirmed(msgspec.structs.replace(revision(2, "so"), generation=1), before)) == []


def test_a_later_revision_says_nothing_of_an_earlier_one() -> None:
    assert confirmed_of(with_confirmed(revision(2, "so"), revision(3, "so"))) == []
    assert confirmed_of(with_confirmed(revision(2, "so"), revision(2, "so"))) == []
    assert confirmed_of(with_confirmed(revision(2, "so"), revision(1, "so", final=True))) == []


@given(revisions)
def test_firm_words_are_the_beginning_and_nothing_else_changes(heard: list[list[str]]) -> None:
    for words, stored in zip(heard, stored_after(heard), strict=True):
        assert [word.text for word in stored.words] == words
        marks = [word.confirmed for word in stored.words]
        assert marks == sorted(marks, reverse=True)
        assert [(word.start_ms, word.speaker) for word in stored.words] == [
            (300 * at, "Ada") for at in range(len(words))
        ]


@given(revisions)
def test_what_is_firm_stays_firm_while_it_still_begins_the_text(heard: list[list[str]]) -> None:
    for before, after in pairwise(stored_after(heard)):
        firm = len(confirmed_of(before))
        if common_prefix(before.words[:firm], after.words) == firm:
            assert len(confirmed_of(after)) >= firm


@given(texts, texts)
def test_the_common_prefix_is_the_longest(one: list[str], other: list[str]) -> None:
    words = [[Word(text, 0, 0, 0.9) for text in each] for each in (one, other)]
    count = common_prefix(*words)
    plain = [[comparable(text) for text in each] for each in (one, other)]
    assert plain[0][:count] == plain[1][:count]
    assert plain[0][: count + 1] != plain[1][: count + 1] or count == min(len(one), len(other))
