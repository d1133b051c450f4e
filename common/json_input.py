"""JSON that came from outside: what decoding it can raise, and how deep it may be nested. Pure."""

import re
from typing import Final, TypeVar

import msgspec

from common.errors import Permanent

T = TypeVar("T")

UNREADABLE_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Broken or wrongly typed; no UTF-8; nested without end. Catch all three wherever foreign bytes are decoded: one that
escapes turns bad input into a failure of ours, which Pub/Sub redelivers for ever."""
MAX_DEPTH: Final = 64
"""Nothing here is nested deeper than four."""
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+\\?"?', re.DOTALL)
"""Matches at every quotation mark, closed or not, so that nothing is looked at twice."""
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class JsonTooDeep(Permanent):
    """Lists and objects in each other, more than MAX_DEPTH."""

    def __init__(self) -> None:
        super().__init__(f"The JSON is nested deeper than {MAX_DEPTH} levels.", reason="json_too_deep")


def decoded_json(data: bytes, kind: type[T]) -> T:
    """`data` as a `kind`. Raises `JsonTooDeep` before anything is decoded, or one of UNREADABLE_JSON."""
    refuse_deep_json(data)
    return msgspec.json.decode(data, type=kind)


def refuse_deep_json(data: bytes) -> None:
    """Raise `JsonTooDeep` where lists and objects are nested deeper than MAX_DEPTH. What is no JSON at all is let pass."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise JsonTooDeep
