"""What the routes of this package answer with, and how they read JSON."""

from typing import Any, Final, TypeVar

import msgspec
from flask import Response

from common.current_request import current_request
from common.json_input import UNREADABLE_JSON, decoded_json
from common.limited_body import limited_body
from common.problems import Problem

T = TypeVar("T", bound=msgspec.Struct)
MAX_BODY_BYTES: Final = 64 * 1024


def json_response(document: Any, status: int = 200) -> Response:
    """JSON that nobody keeps: it is about what changes."""
    response = Response(msgspec.json.encode(document), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def json_request(kind: type[T], *, empty: T | None = None) -> T:
    """The request's body; `empty` where there is none and that may be. Raises a 400 or 413 `Problem`."""
    body = limited_body(current_request(), MAX_BODY_BYTES)
    if not body and empty is not None:
        return empty
    try:
        return decoded_json(body, kind)
    except UNREADABLE_JSON as error:
        raise Problem(400, "invalid-body", f"The body is no such JSON: {error}") from error
