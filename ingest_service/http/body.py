"""Reading a request's body to a limit. Nothing else reads from the connection."""

from collections.abc import Iterator
from typing import Final

from flask import Request
from gunicorn.http.errors import ParseException

from common.limited_body import IncompleteBody
from common.problems import Problem

PIECE_BYTES: Final = 256 * 1024


def read_body(req: Request, limit_bytes: int) -> bytes:
    """The whole body, or a `Problem`: 413 above `limit_bytes`, 400 when it ends early, 411 when its end can't be known.

    A declared length above the limit is refused unread; without one, at most one byte past the limit is read.
    """
    return b"".join(body_pieces(req, limit_bytes))


def body_pieces(req: Request, limit_bytes: int) -> Iterator[bytes]:
    """The body as it comes, at most PIECE_BYTES at a time; the same `Problem`s, when it comes to it."""
    declared = req.content_length
    if declared is None and "Transfer-Encoding" in req.headers and not req.environ.get("wsgi.input_terminated"):
        raise Problem(411, "length-required", "This server reads only bodies with a Content-Length.")
    if declared is not None and declared > limit_bytes:
        raise _too_large(limit_bytes)
    read_bytes = 0
    comes_bytes = limit_bytes + 1 if declared is None else declared  # servers set aside as much as they are asked for
    while piece := _read(req, min(PIECE_BYTES, comes_bytes - read_bytes)):
        read_bytes += len(piece)
        if read_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        yield piece
        if read_bytes == declared:
            return
    if declared is not None and read_bytes < declared:  # the server hands over what came before the connection broke
        raise IncompleteBody


def _read(req: Request, size: int) -> bytes:
    try:
        return req.stream.read(size)
    except (OSError, ParseException) as error:
        raise IncompleteBody from error


def _too_large(limit_bytes: int) -> Problem:
    detail = f"The body is larger than the {limit_bytes} bytes that are allowed here."
    return Problem(413, "body-too-large", detail, limit_bytes=limit_bytes)
