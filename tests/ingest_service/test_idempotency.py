import re

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from common.ids import InvalidId, checked_id
from common.problems import Problem
from ingest_service.http.idempotency import idempotency_key, recording_name
from ingest_service.intake.recordings import RecordingDiffers

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)


def request_with(key: str | None) -> Request:
    return Request(EnvironBuilder(headers={} if key is None else {"Idempotency-Key": key}).get_environ())


@given(KEYS)
def test_a_key_is_taken_as_it_is(key: str) -> None:
    assert idempotency_key(request_with(key)) == key


def test_without_a_key_there_is_none() -> None:
    assert idempotency_key(request_with(None)) is None


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "ä", "a\x7f"])
def test_a_bad_key_is_named(key: str) -> None:
    with pytest.raises(Problem, match="Idempotency-Key") as caught:
        idempotency_key(request_with(key))
    assert (caught.value.status, caught.value.kind) == (400, "invalid-parameter")


@given(st.tuples(st.sampled_from(["recording", "upload"]), st.sampled_from(["t", "t2", "default"]), KEYS))
def test_a_key_is_always_the_same_connection(of: tuple[str, str, str]) -> None:
    name = recording_name(*of, None)
    assert name == recording_name(*of, None)
    assert name.is_from_key
    assert checked_id(name.connection_id, "connection_id")


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["t", "t2"]), KEYS), unique=True, max_size=9))
def test_other_keys_tenants_and_routes_are_other_connections(of: list[tuple[str, str, str]]) -> None:
    assert len({recording_name(*each, None).connection_id for each in of}) == len(of)


def test_a_connection_that_is_named_needs_no_key() -> None:
    for key in (None, "k"):
        name = recording_name("recording", "t", key, "c1")
        assert (name.connection_id, name.is_from_key) == ("c1", False)
    with pytest.raises(InvalidId, match="connection_id"):
        recording_name("recording", "t", "k", "a/b")


def test_without_either_it_is_a_new_connection_each_time() -> None:
    names = [recording_name("recording", "t", None, None).connection_id for _ in range(9)]
    assert len(set(names)) == 9
    assert all(re.fullmatch("recording-[0-9a-f]{32}", name) for name in names)


@pytest.mark.parametrize(
    ("raised", "by_key", "by_name"),
    [
        (RecordingDiffers("what"), (422, "idempotency-key-reused"), (409, "recording-differs")),
        (
            Problem(409, "connection-of-another-meeting", "what"),
            (422, "idempotency-key-reused"),
            (409, "connection-of-another-meeting"),
        ),
        (
            Problem(409, "stream-ended-otherwise", "what"),
            (422, "idempotency-key-reused"),
            (409, "stream-ended-otherwise"),
        ),
        (Problem(409, "chunk-limit", "what"), (409, "chunk-limit"), (409, "chunk-limit")),
        (Problem(400, "incomplete-body", "what"), (400, "incomplete-body"), (400, "incomplete-body")),
    ],
)
def test_what_is_another_recording_is_answered_in_one_place(
    raised: Exception, by_key: tuple[int, str], by_name: tuple[int, str]
) -> None:
    for name, expected in (
        (recording_name("recording", "t", "k", None), by_key),
        (recording_name("recording", "t", None, "c1"), by_name),
    ):
        with pytest.raises(Problem, match="what") as caught, name.one_recording():
            raise raised
        assert (caught.value.status, caught.value.kind) == expected
