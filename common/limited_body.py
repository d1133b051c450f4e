"""A request's body, whole and in memory, up to a limit. Where more comes, little more than the limit is ever read."""

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from common.problems import Problem


def limited_body(req: Request, limit_bytes: int) -> bytes:
    """The body. Raises a 413 `Problem` above `limit_bytes`: unread where its length is declared, else after one byte more."""
    req.max_content_length = (
        limit_bytes + 1
    )  # of a body without a length no more is read, and what was read is handed over
    try:
        body = req.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_large(limit_bytes) from None
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    return body


def _too_large(limit_bytes: int) -> Problem:
    return Problem(413, "body-too-large", f"The body may have {limit_bytes} bytes at most.")
