"""The Flask application that every service starts from: problem details, security headers, health routes, spans, request logs."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from flask import Flask, Request, Response, current_app, g
from flask.sessions import NullSession, SessionInterface, SessionMixin
from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span
from structlog.contextvars import clear_contextvars, get_contextvars

from common.current_request import current_request
from common.health import Check, Drain, health_blueprint
from common.logs import ID_KEYS, REQUEST_LINE, get_logger
from common.problems import install_problem_handlers
from common.security_headers import install_security_headers
from common.trace import Attributes, span

log = get_logger(__name__)
_WITHOUT_SPAN: Final = {"health", "push"}
"""Blueprints: nobody traces health checks, and a push goes on with its event's trace instead of its request's."""


def span_for_request(
    name: str, kind: SpanKind, *, traceparent: str | None, attributes: Attributes | None = None
) -> None:
    """Begin a span that is the current one for the rest of the request. The answer's status becomes its own."""
    begun = span(current_app.name, name, kind, traceparent=traceparent, attributes=attributes)
    begun.__enter__()
    g.spans.append(begun)


def end_span_of_request(status: int) -> None:
    """End the request's span now. For what goes on for long afterwards and begins spans of its own."""
    _describe_span(status)
    _end_spans(g.spans)


def base_app(service: str, checks: Mapping[str, Check], drain: Drain, revision: str = "") -> Flask:
    """A Flask app with what all services share. `service` is its name in spans and health answers; `revision` is REVISION."""
    app = _App(service, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # DefaultJSONProvider has it; the base class does not declare it
    app.url_map.merge_slashes = False  # `//` is a wrong path: problem details, not a redirect in HTML
    install_security_headers(app)
    install_problem_handlers(app)
    app.register_blueprint(health_blueprint(service, checks, drain, revision))

    @app.before_request
    def _begin() -> None:
        clear_contextvars()
        g.began_s = time.perf_counter()
        g.spans = []
        req = current_request()
        if req.blueprint not in _WITHOUT_SPAN:
            method, route = req.method, _route(req)
            span_for_request(
                f"{method} {route}",
                SpanKind.SERVER,
                traceparent=req.headers.get("traceparent"),
                attributes={"http.method": method, "http.route": route},
            )

    @app.after_request
    def _end(response: Response) -> Response:
        req, status = current_request(), response.status_code
        _describe_span(status)
        if req.blueprint != "health":
            took_ms = round((time.perf_counter() - g.began_s) * 1000, 1)
            log.info(
                REQUEST_LINE, method=req.method, route=_route(req), area=_area(req), status=status, took_ms=took_ms
            )
        return response

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        _end_spans(g.pop("spans", []))

    return app


def _end_spans(begun: list[AbstractContextManager[Span]]) -> None:
    while begun:
        begun.pop().__exit__(None, None, None)


class _NoSessions(SessionInterface):
    """Nobody has a session here; Flask would make one for each request, and look into it at the end."""

    _nobody_s: Final = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 -- Flask's
        """The same for everybody. Writing to it is an error."""
        return self._nobody_s

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Flask does not ask."""


class _App(Flask):
    session_interface: SessionInterface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: nothing here is a coroutine, and Flask asks for each function of each request."""
        return func


def _route(req: Request) -> str:
    """The rule that matched, never the path itself."""
    rule = req.url_rule
    return rule.rule if rule else "(none)"


def _area(req: Request) -> str:
    """Which group of routes it belongs to: few enough to count requests by."""
    return req.blueprint or "(none)"


def _describe_span(status: int) -> None:
    """Give the request's span its outcome, and the ids that were bound for the log."""
    current = get_current_span()
    if not current.is_recording():
        return
    current.set_attribute("http.status_code", status)
    bound = get_contextvars()
    current.set_attributes({key: bound[key] for key in ID_KEYS if key in bound})
    if status >= 500:
        current.set_status(StatusCode.ERROR)
