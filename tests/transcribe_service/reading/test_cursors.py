from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import checked_id
from common.ports.meeting_store import Cursor
from common.problems import Problem
from tests.ingest_service.owners import IDS
from transcribe_service.reading.cursors import cursor_of, place_of
from transcribe_service.reading.meeting_list import ListPlace


@given(st.integers(0, 10**15 - 1), IDS)
def test_a_place_comes_back_as_it_was(opened_at_ms: int, meeting_id: str) -> None:
    cursor = cursor_of(Cursor(opened_at_ms, meeting_id))
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert place_of(cursor, ListPlace) == ListPlace(opened_at_ms, meeting_id)


@given(st.text())
def test_any_other_text_is_refused_or_a_place_that_keeps_the_rules(text: str) -> None:
    with suppress(Problem):
        checked_id(place_of(text, ListPlace).meeting_id, "meeting_id")


def test_a_place_of_another_list_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        place_of(cursor_of(["m1", 3]), ListPlace)
    assert (refused.value.status, refused.value.extra) == (400, {"parameter": "cursor"})
