from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.json_input import MAX_DEPTH, UNREADABLE_JSON, JsonTooDeep, decoded_json, refuse_deep_json

VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\a'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='[]{}"\\a'), inner),
)


def depth_of(value: Any) -> int:
    match value:
        case dict():
            return 1 + max(map(depth_of, value.values()), default=0)
        case list():
            return 1 + max(map(depth_of, value), default=0)
        case _:
            return 0


@given(VALUES, st.integers(0, MAX_DEPTH + 8), st.integers(0, 80))
def test_depth_is_measured_whatever_strings_hold(value: Any, more: int, beside: int) -> None:
    for _ in range(more):
        value = [*([[]] * beside), value]
        beside = 0
    body = msgspec.json.encode(value)
    if depth_of(value) > MAX_DEPTH:
        with pytest.raises(JsonTooDeep, match="64 levels") as caught:
            decoded_json(body, object)
        assert caught.value.reason == "json_too_deep"
    else:
        assert decoded_json(body, object) == value


@given(st.binary(max_size=40) | st.text(alphabet='[]{}"\\,:', max_size=400).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        decoded_json(body, object)
    except (*UNREADABLE_JSON, JsonTooDeep):
        return
    assert msgspec.json.decode(body) is not Ellipsis


@pytest.mark.parametrize(
    "body", [b'"' + b'\\"' * 131_072, b'"\\', b"[" * 64 + b'"', b'"' * 262_144, b"]" * 262_144, b"[]" * 131_072]
)
def test_what_is_made_to_cost_much_is_let_pass_quickly(body: bytes) -> None:
    refuse_deep_json(body)  # quadratic work would meet the test's time limit


def test_deep_json_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(JsonTooDeep):
        decoded_json(b"[" * 100_000, object)
