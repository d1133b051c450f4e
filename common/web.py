"""The Flask application that every service starts from: problem details, health routes, trace and request logs, body limit."""

import time
from collections.abc import Mapping

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from common.health import Check, Drain, health_blueprint
from common.logs import get_logger
from common.problems import install_problem_handlers
from common.trace import continue_trace

log = get_logger(__name__)


def base_app(service: str, checks: Mapping[str, Check], drain: Drain) -> Flask:
    """A Flask app with what all services share. `service` is its name in logs and health answers."""
    app = Flask(service, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # DefaultJSONProvider has it; the base class does not declare it
    app.url_map.merge_slashes = False  # `//` is a wrong path: problem details, not a redirect in HTML
    install_problem_handlers(app)
    app.register_blueprint(health_blueprint(service, checks, drain))

    @app.before_request
    def _begin() -> None:
        clear_contextvars()
        g.began_s = time.perf_counter()
        bind_contextvars(trace=continue_trace(request.headers.get("traceparent")))

    @app.after_request
    def _end(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else "(none)"
        if not rule.startswith("/health"):
            took_ms = round((time.perf_counter() - g.began_s) * 1000, 1)
            log.info("request", method=request.method, route=rule, status=response.status_code, took_ms=took_ms)
        return response

    return app
