"""What every transcript store promises about searching."""

import uuid
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.ports.transcript_store import (
    SearchPlace,
    SegmentTranscript,
    TranscriptStore,
    Word,
    place_of_segment,
    searchable_words,
)
from common.search_words import query_of

EPOCH_MS = 1_700_000_000_000


def said(
    text: str,
    *,
    tenant: str = "default",
    meeting_id: str = "m1",
    connection_id: str = "c1",
    start_ms: int = 0,
    final: bool = True,
    generation: int = 0,
) -> SegmentTranscript:
    return SegmentTranscript(
        tenant=tenant,
        meeting_id=meeting_id,
        connection_id=connection_id,
        segment_id=f"{connection_id}:0:{start_ms}",
        channel=0,
        revision=1,
        final=final,
        start_ms=start_ms,
        end_ms=start_ms + 1000,
        epoch_offset_ms=EPOCH_MS,
        language="en",
        words=tuple(Word(word, start_ms, start_ms + 100, 0.9) for word in text.split(" ")),
        generation=generation,
    )


def found(store: TranscriptStore, text: str, *, tenant: str = "default", limit: int = 50) -> list[SegmentTranscript]:
    """All pages."""
    segments: list[SegmentTranscript] = []
    after: SearchPlace | None = None
    for _ in range(100):
        page = store.search(tenant, query_of(text), limit=limit, after=after)
        assert len(page.segments) <= limit
        segments += page.segments
        after = page.next
        if after is None:
            return segments
    raise AssertionError("no end")


def test_words_prefixes_and_phrases_are_found(transcripts: TranscriptStore) -> None:
    budget = said("The Budget, for Łódź: grüße!", start_ms=1000)
    meeting = said("a budgetary Meeting", start_ms=2000)
    japanese = said("会議 を始めます", start_ms=3000)
    for segment in (budget, meeting, japanese):
        transcripts.put(segment)
    for text, expected in {
        "budget": [meeting, budget],
        "BUDGET meeting": [meeting],
        "meeting budgetary": [meeting],
        '"budget"': [budget],
        '"budgetary meeting"': [meeting],
        '"meeting budgetary"': [],
        "a": [meeting],
        "bu": [],
        "grusse": [budget],
        "GRÜSSE": [budget],
        "lodz": [],
        "łodz": [budget],
        "議を": [japanese],
        "budgetarily": [],
        "始めます budget": [],
    }.items():
        assert found(transcripts, text) == expected, text


def test_the_last_said_comes_first_and_pages_leave_nothing_out(transcripts: TranscriptStore) -> None:
    expected = []
    for number in range(23):
        segment = said(
            f"word {'even' if number % 2 == 0 else 'odd'}", meeting_id=f"m{number % 3}", start_ms=number // 2 * 1000
        )
        transcripts.put(segment)
        expected.append(segment)
    expected.sort(key=lambda each: msgspec.structs.astuple(place_of_segment(each)), reverse=True)
    for limit in (1, 4, 23, 50):
        assert found(transcripts, "word", limit=limit) == expected
    assert found(transcripts, "odd word", limit=5) == [each for each in expected if each.words[1].text == "odd"]


def test_only_what_is_final_is_found_and_only_its_last_version(transcripts: TranscriptStore) -> None:
    transcripts.put(said("early draft", final=False))
    assert found(transcripts, "draft") == []
    final = said("early words")
    transcripts.put(final)
    assert found(transcripts, "early") == [final]
    replayed = said("other speech", generation=1)
    transcripts.put(replayed)
    assert found(transcripts, "early") == []
    assert found(transcripts, "speech") == [replayed]
    transcripts.put(said("being heard again", generation=2, final=False))
    assert found(transcripts, "speech") == found(transcripts, "heard") == []


def test_what_is_deleted_is_found_no_more(transcripts: TranscriptStore) -> None:
    for number in range(3):
        transcripts.put(said("secret word", start_ms=number * 1000))
    other = said("secret word", meeting_id="m2")
    transcripts.put(other)
    transcripts.delete_segment("default", "m1", "c1:0:1000")
    assert [each.start_ms for each in found(transcripts, "secret")] == [2000, 0, 0]
    transcripts.delete_meeting("default", "m1")
    assert found(transcripts, "secret") == [other]
    transcripts.put(said("no longer here", start_ms=1000))
    assert found(transcripts, "secret") == [other]


TENANTS = ("a", "a.b", "b", "A", "a-b", "terms")
VOCABULARY = (
    "budget",
    "budgets",
    "a",
    "b",
    "tenant",
    "Ärger",
    "argern",
    "会議",
    "a/b",
    '"',
    "*",
    "AND",
    "NEAR(",
    "_",
    "x:y",
    "it's",
)
texts = st.lists(st.sampled_from(VOCABULARY) | st.text(max_size=4), min_size=1, max_size=5).map(" ".join)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TENANTS), texts), min_size=1, max_size=6), texts)
def test_a_search_finds_exactly_what_has_its_words_and_nothing_of_another_tenant(
    transcripts: TranscriptStore, spoken: Sequence[tuple[str, str]], text: str
) -> None:
    query, mark = query_of(text), uuid.uuid4().hex
    stored = [
        said(what, tenant=f"{tenant}{mark}", meeting_id="m", start_ms=number * 1000)
        for number, (tenant, what) in enumerate(spoken)
    ]
    for segment in stored:
        transcripts.put(segment)
    if not query.parts:
        return
    for tenant in TENANTS:
        expected = [
            each for each in stored if each.tenant == f"{tenant}{mark}" and query.found_in(searchable_words(each))
        ]
        assert found(transcripts, text, tenant=f"{tenant}{mark}", limit=2) == expected[::-1]
        assert found(transcripts, text, tenant=tenant) == []


@pytest.mark.parametrize("text", ["x" * 5000, "word " * 500, "é" * 300])
def test_long_words_and_long_segments_can_be_stored_and_are_found(transcripts: TranscriptStore, text: str) -> None:
    segment = said(text)
    transcripts.put(segment)
    assert found(transcripts, text.split()[0]) == [segment]
