"""A request's body, whole and in memory, up to a limit. Where more comes, little more than the limit is ever read; where less, nothing is
made of it: a server hands over what came before the connection broke.
"""

from flask import Request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestEntityTooLarge

from common.problems import Problem


class IncompleteBody(Problem):
    """400: the connection broke, or what came is no body."""

    def __init__(self) -> None:
        super().__init__(400, "incomplete-body", "The body broke off or is malformed; it was not accepted.")


def limited_body(req: Request, limit_bytes: int) -> bytes:
    """The body. Raises a 413 `Problem` above `limit_bytes`: unread where its length is declared, else after one byte more.

    `IncompleteBody` where it ends before its declared length.
    """
    req.max_content_length = (
        limit_bytes + 1
    )  # of a body without a length no more is read, and what was read is handed over
    try:
        body = req.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_large(limit_bytes) from None
    except (OSError, ParseException) as error:
        raise IncompleteBody from error
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    if len(body) < (req.content_length or 0):
        raise IncompleteBody
    return body


def _too_large(limit_bytes: int) -> Problem:
    return Problem(413, "body-too-large", f"The body may have {limit_bytes} bytes at most.")
