import json

from hypothesis import given
from hypothesis import strategies as st

from common.speaker_masks import MAX_SPEAKERS
from ingest_service.earlier.readings import read_masks, read_source, read_time

NOW_MS = 1_750_000_000_000
TIMES_MS = st.integers(10**11, 10**14 - 1)


@given(TIMES_MS)
def test_seconds_are_what_is_expected(time_ms: int) -> None:
    assert read_time(f"{time_ms / 1000:.3f}", NOW_MS) == (time_ms, None)


@given(
    st.integers(10**12, 9 * 10**12),
    st.sampled_from([("milliseconds", 1), ("microseconds", 10**3), ("nanoseconds", 10**6)]),
)
def test_another_unit_is_converted_and_said(time_ms: int, unit: tuple[str, int]) -> None:
    name, per_ms = unit
    read_ms, fault = read_time(str(time_ms * per_ms), NOW_MS)
    assert abs(read_ms - time_ms) <= 1
    assert fault is not None
    assert fault.kind == f"time_in_{name}"


@given(st.none() | st.text() | st.sampled_from(["nan", "inf", "-1", "0", "1e400", "12:00", "17", "1e-9"]))
def test_where_nothing_can_be_made_of_it_the_arrival_counts(ts: str | None) -> None:
    read_ms, fault = read_time(ts, NOW_MS)
    assert 10**11 <= read_ms < 10**14
    if fault is not None and not fault.kind.startswith("time_in_"):
        assert read_ms == NOW_MS
        assert fault.kind == ("unreadable_time" if ts else "missing_time")


def test_good_masks_are_taken_as_they_are() -> None:
    body = b'[["Ada", "0110001111"], ["Grace", "0000000000"]]'
    assert read_masks(body) == ((("Ada", "0110001111"), ("Grace", "0000000000")), None)


def test_two_people_of_one_name_speak_when_either_does() -> None:
    assert read_masks(b'[["Ada", "0011"], [" Ada ", "110000"]]') == ((("Ada", "110011"),), None)


def test_what_can_be_used_is_used() -> None:
    body = json.dumps([["Ada", "01"], ["Bob", "0x"], ["", "01"], "no row", ["one"], ["Eve", ""], ["Grace", "10"]])
    masks, fault = read_masks(body.encode())
    assert masks == (("Ada", "01"), ("Grace", "10"))
    assert fault is not None
    assert fault.kind == "unusable_masks"
    assert "row 1" in fault.detail
    assert "Bob" not in fault.detail


def test_the_first_hundred_speakers_are_used() -> None:
    masks, fault = read_masks(json.dumps([[f"s{n}", "1"] for n in range(MAX_SPEAKERS + 5)]).encode())
    assert len(masks) == MAX_SPEAKERS
    assert fault is not None


@given(st.binary() | st.sampled_from([b"", b"{}", b"[" * 100_000, b'{"masks": []}', b"\xff", b"[[[[1]]]]"]))
def test_whatever_comes_is_read_or_named(body: bytes) -> None:
    masks, fault = read_masks(body)
    assert masks == () or all(set(mask) <= {"0", "1"} for _, mask in masks)
    assert fault is not None or json.loads(body) == [] or masks


def test_a_source_is_an_id_or_left_out() -> None:
    assert read_source("google_meet") == ("google_meet", None)
    assert read_source("") == ("", None)
    source, fault = read_source("Google Meet!")
    assert source == ""
    assert fault is not None
