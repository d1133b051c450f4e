"""RFC 9457 problem details: how every HTTP route for people and uploaders answers bad input.

The push routes answer Pub/Sub instead; see `common.push`.
"""

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from common.errors import Backpressure, Permanent, Retryable
from common.ids import InvalidId
from common.logs import get_logger
from common.trace import record_error

MEDIA_TYPE = "application/problem+json"
log = get_logger(__name__)


class Problem(Exception):
    """An answer other than success. `kind` is a stable slug and becomes the type URI; `extra` members are added as they are."""

    def __init__(
        self, status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra


def problem_members(problem: Problem) -> dict[str, Any]:
    """The members of a problem as RFC 9457 names them, and its own."""
    return {
        "type": f"urn:turnscribe:problem:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.extra,
    }


def problem_response(problem: Problem) -> Response:
    """The HTTP answer of a problem."""
    body = msgspec.json.encode(problem_members(problem))
    return Response(body, status=problem.status, headers=problem.headers, content_type=MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """What an error is for who asked. Raises the error itself where it is none that people are told of."""
    match error:
        case Problem():
            return error
        case InvalidId():
            return Problem(400, "invalid-id", str(error), field=error.field)
        case Permanent():
            return Problem(400, error.reason.replace("_", "-"), str(error))
        case Backpressure():
            return Problem(
                429,
                "too-many-requests",
                str(error),
                headers={"Retry-After": f"{max(1, round(error.retry_after_s))}"},
            )
        case Retryable():
            return Problem(503, "unavailable", str(error), headers={"Retry-After": "1"})
        case HTTPException():
            status = error.code or 500
            kind = HTTPStatus(status).phrase.lower().replace(" ", "-")
            allowed = error.valid_methods if isinstance(error, MethodNotAllowed) else None
            headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
            return Problem(status, kind, error.description or HTTPStatus(status).phrase, headers=headers)
        case _:
            raise error


def install_problem_handlers(app: Flask) -> None:
    """Turn every error that leaves a route of `app` into problem details; what is none of ours is logged and a 500."""

    @app.errorhandler(Problem)
    def _problem(problem: Problem) -> Response:
        return problem_response(problem)

    @app.errorhandler(HTTPException)
    @app.errorhandler(Permanent)
    @app.errorhandler(Retryable)
    @app.errorhandler(Backpressure)
    def _known(error: Exception) -> Response:
        if isinstance(error, Retryable):
            record_error(error)
            log.warning("dependency_unavailable", reason=error.reason)
        return problem_response(problem_of(error))

    @app.errorhandler(Exception)
    def _unknown(error: Exception) -> Response:
        record_error(error)
        log.error("unhandled_error", error_type=type(error).__name__, exc_info=error)
        return problem_response(Problem(500, "internal-error", "The server failed; the failure is logged."))
