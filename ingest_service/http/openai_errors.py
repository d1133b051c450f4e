"""Problem details that OpenAI's clients understand too: the same answer with OpenAI's member `error`."""

from typing import Final

import msgspec
from flask import Response

from common.openapi.problem_details import ProblemDetails
from common.problems import MEDIA_TYPE

_PREFIX: Final = "urn:turnscribe:problem:"


class OpenAiError(msgspec.Struct, frozen=True):
    """What OpenAI's clients show."""

    message: str
    type: str
    """`invalid_request_error`, `rate_limit_error` or `server_error`."""
    param: str | None
    """The field that is wrong."""
    code: str
    """The problem's kind, such as `invalid_parameter`."""


class OpenAiProblem(ProblemDetails, frozen=True, kw_only=True):
    """Problem details, with OpenAI's member."""

    error: OpenAiError


class _Problem(msgspec.Struct, frozen=True):
    type: str
    status: int
    detail: str
    field: str | None = None


def with_openai_error(response: Response) -> Response:
    """An `after_request` hook: adds the member to problem details, and leaves every other answer alone."""
    if response.content_type != MEDIA_TYPE:
        return response
    body = response.get_data()
    problem = msgspec.json.decode(body, type=_Problem)
    error = OpenAiError(
        message=problem.detail,
        type=_type_of(problem.status),
        param=problem.field,
        code=problem.type.removeprefix(_PREFIX).replace("-", "_"),
    )
    members: dict[str, object] = msgspec.json.decode(body)
    response.set_data(msgspec.json.encode(members | {"error": error}))
    return response


def _type_of(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"
