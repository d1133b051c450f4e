"""What an id may look like, and the ids that are made of others. Pure.

Ids come from outside and end up in object names, Redis keys and document paths, so one rule serves all of them:
1 to 128 of `A-Z a-z 0-9 . _ -`, not starting with a dot, not `__…__` (reserved by Firestore). There is no `/`, so no
id can leave its folder, and no `:`, which joins the parts of a segment id.
"""

import re
from typing import Final

from common.errors import Permanent

MAX_ID_LENGTH: Final = 128
DEFAULT_TENANT: Final = "default"
ID_PATTERN: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_ID = re.compile(ID_PATTERN)
_RESERVED = re.compile(r"__.*__")
_SEGMENT_ID = re.compile(r"(?P<connection>[^:]+):(?P<channel>0|[1-9][0-9]{0,8}):(?P<start_ms>0|[1-9][0-9]{0,14})")


class InvalidId(Permanent):
    """An id that breaks the rule above. The message names the field and what is wrong with the value."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}", reason="invalid_id")
        self.field = field


def checked_id(value: str, field: str) -> str:
    """Return `value` if it is a valid id; raise `InvalidId` naming `field` if not."""
    if not value:
        raise InvalidId(field, "is empty")
    if len(value) > MAX_ID_LENGTH:
        raise InvalidId(field, f"has {len(value)} characters; at most {MAX_ID_LENGTH} are allowed")
    if not _ID.fullmatch(value):
        raise InvalidId(field, "may only contain A-Z a-z 0-9 . _ - and may not start with a dot")
    if _RESERVED.fullmatch(value):
        raise InvalidId(field, "may not have the form __…__")
    return value


def segment_id(connection_id: str, channel: int, start_ms: int) -> str:
    """`{connection}:{channel}:{start_ms}`. All revisions of one segment share it."""
    return f"{connection_id}:{channel}:{start_ms}"


def split_segment_id(value: str) -> tuple[str, int, int]:
    """The inverse of `segment_id`. Raises `InvalidId` when `value` is not one."""
    match = _SEGMENT_ID.fullmatch(value)
    if match is None:
        raise InvalidId("segment_id", "is not connection:channel:start_ms")
    return checked_id(match["connection"], "segment_id"), int(match["channel"]), int(match["start_ms"])
