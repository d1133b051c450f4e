"""What can go wrong between a client and a turnscribe server. Nothing here talks to anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ProblemDetails:
    """The body of an answer other than success (RFC 9457)."""

    status: int
    type: str = "about:blank"
    title: str = ""
    detail: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Members beyond the standard ones, such as `field` for a bad id."""


class TurnscribeClientError(Exception):
    """Base of all errors of this package."""


class ServerUnreachable(TurnscribeClientError):
    """The server could not be reached, or went on being busy, for as long as the client was told to try."""


class UnexpectedAnswer(TurnscribeClientError):
    """What answered does not speak turnscribe's API."""


class UnusableFile(TurnscribeClientError):
    """A file can't be read, is empty, or changed while it was being uploaded. Nothing of it is transcribed."""


class ProblemAnswer(TurnscribeClientError):
    """The server refused the request and said why."""

    def __init__(self, problem: ProblemDetails) -> None:
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}".rstrip(": "))
        self.problem = problem


class BadRequest(ProblemAnswer):
    """Something in the request is wrong (400, 413, 415, 422 and other 4xx without a class of their own)."""


class Unauthorized(ProblemAnswer):
    """The token is missing, wrong, or does not allow this (401, 403)."""


class NotFound(ProblemAnswer):
    """There is no such stream or meeting (404)."""


class Conflict(ProblemAnswer):
    """What is stored already says something else (409)."""


class ServerFailed(ProblemAnswer):
    """The server failed (5xx other than the passing ones, which are retried)."""


def answer_error(problem: ProblemDetails) -> ProblemAnswer:
    """The error class that fits the status."""
    by_status: Mapping[int, type[ProblemAnswer]] = {401: Unauthorized, 403: Unauthorized, 404: NotFound, 409: Conflict}
    return by_status.get(problem.status, ServerFailed if problem.status >= 500 else BadRequest)(problem)
