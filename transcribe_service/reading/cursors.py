"""Places in a list, as text that means nothing to whoever passes it back. Pure."""

import base64
import binascii
from typing import Any, TypeVar

import msgspec

from common.json_input import UNREADABLE_JSON
from transcribe_service.reading.query import CURSOR, wrong

T = TypeVar("T")


def cursor_of(place: Any) -> str:
    """`place`, a struct, as a cursor: letters, digits, `-` and `_`."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def place_of(cursor: str, kind: type[T]) -> T:
    """The inverse of `cursor_of`. Raises a 400 `Problem` where `cursor` is none of this list's."""
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(content, type=kind)
    except (ValueError, binascii.Error, *UNREADABLE_JSON) as error:
        raise wrong(CURSOR.name, "is none that this server gave for this list") from error
