"""The three health routes that every service has.

`/health` touches nothing: the process answers. `/health/ready` asks every component and names those that fail (503).
`/health/version` says what runs. While the service drains after SIGTERM, readiness answers 503 and work goes on to its end.
"""

import threading
from collections.abc import Callable, Mapping

import msgspec
from flask import Blueprint, Response

from common import __version__
from common.errors import TurnscribeError

Check = Callable[[], None]


class Drain:
    """Whether the process has been asked to stop."""

    def __init__(self) -> None:
        self._draining = threading.Event()

    def start(self) -> None:
        """From now on, readiness says no."""
        self._draining.set()

    @property
    def started(self) -> bool:
        """True once `start` was called."""
        return self._draining.is_set()

    def wait(self, timeout_s: float) -> bool:
        """True as soon as `start` was called; False once `timeout_s` have passed without it."""
        return self._draining.wait(timeout_s)


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status=status, content_type="application/json")


def health_blueprint(service: str, checks: Mapping[str, Check], drain: Drain, revision: str = "") -> Blueprint:
    """`checks` maps a component's name to a call that raises one of the three errors when it is unwell."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("")
    def alive() -> Response:
        return _json({"status": "ok", "service": service})

    @routes.get("/ready")
    def ready() -> Response:
        components = {}
        for name, check in checks.items():
            try:
                check()
                components[name] = "ok"
            except TurnscribeError as error:
                components[name] = error.reason
        if drain.started:
            components["process"] = "draining"
        good = all(state == "ok" for state in components.values())
        return _json({"status": "ok" if good else "unavailable", "components": components}, 200 if good else 503)

    @routes.get("/version")
    def version() -> Response:
        return _json({"service": service, "version": __version__, "revision": revision})

    return routes
