import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import InvalidId, checked_id, segment_id, split_segment_id

ALLOWED = "ABCXYZabcxyz0189._-"
IDS = st.text(ALLOWED, min_size=1, max_size=128).filter(
    lambda text: not text.startswith(".") and not (text.startswith("__") and text.endswith("__") and len(text) > 3)
)


@given(IDS)
def test_what_the_rule_allows_passes_unchanged(value: str) -> None:
    assert checked_id(value, "x") == value


@given(st.text(max_size=140))
def test_whatever_passes_cannot_leave_its_folder_or_split_a_key(value: str) -> None:
    try:
        checked_id(value, "x")
    except InvalidId:
        return
    assert 1 <= len(value) <= 128
    assert set(value) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert not value.startswith(".")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "meeting_id is empty"),
        ("a" * 129, "meeting_id has 129 characters; at most 128"),
        ("../x", "meeting_id may only contain"),
        ("a:b", "meeting_id may only contain"),
        ("a/b", "meeting_id may only contain"),
        (".hidden", "meeting_id may only contain"),
        ("a b", "meeting_id may only contain"),
        ("a\n", "meeting_id may only contain"),
        ("ä", "meeting_id may only contain"),
        ("a\x00", "meeting_id may only contain"),
        ("__reserved__", "meeting_id may not have the form"),
        ("____", "meeting_id may not have the form"),
    ],
)
def test_what_is_wrong_is_named(value: str, problem: str) -> None:
    with pytest.raises(InvalidId, match=problem) as caught:
        checked_id(value, "meeting_id")
    assert (caught.value.field, caught.value.reason) == ("meeting_id", "invalid_id")


@given(IDS, st.integers(0, 99), st.integers(0, 10**12))
def test_a_segment_id_comes_apart_again(connection_id: str, channel: int, start_ms: int) -> None:
    value = segment_id(connection_id, channel, start_ms)
    assert split_segment_id(value) == (connection_id, channel, start_ms)


@given(st.text(ALLOWED + ":", max_size=30) | st.from_regex(r"[a-z.]{0,3}:\d{0,12}:\d{0,18}", fullmatch=True))
def test_one_segment_has_one_id(value: str) -> None:
    try:
        parts = split_segment_id(value)
    except InvalidId:
        return
    assert segment_id(*parts) == value


@pytest.mark.parametrize("value", ["", "c", "c:0", "c:0:0:0", "c:-1:0", "c:0:x", "../x:0:0", "c:0:" + "9" * 5000])
def test_what_is_no_segment_id_is_permanent(value: str) -> None:
    with pytest.raises(InvalidId, match="segment_id"):
        split_segment_id(value)
