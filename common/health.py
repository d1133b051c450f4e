"""The three health routes that every service has.

`/health` touches nothing: the process answers. `/health/ready` asks every component and names those that fail (503).
`/health/version` says what runs. While the service drains after SIGTERM, readiness answers 503 and work goes on to its end.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from flask import Blueprint, Response

from common import __version__
from common.errors import TurnscribeError
from common.openapi.described import described, json_answer

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


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"]
    service: str


class Readiness(msgspec.Struct, frozen=True):
    """Whether everything is there that requests need."""

    status: Literal["ok", "unavailable"]
    components: Mapping[str, str]
    """By name: `ok`, or the reason why not."""


class Version(msgspec.Struct, frozen=True):
    """What runs."""

    service: str
    version: str
    revision: str
    """Commit that the image was built from; empty where nobody said."""


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status=status, content_type="application/json")


def health_blueprint(service: str, checks: Mapping[str, Check], drain: Drain, revision: str = "") -> Blueprint:
    """`checks` maps a component's name to a call that raises one of the three errors when it is unwell."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("")
    @described(
        "Whether the process answers",
        answers={200: json_answer(Alive, "It does. Nothing else was asked.")},
        scopes=None,
    )
    def alive() -> Response:
        return _json(Alive("ok", service))

    @routes.get("/ready")
    @described(
        "Whether requests can be served",
        answers={
            200: json_answer(Readiness, "Everything is there."),
            503: json_answer(Readiness, "Something is missing, or the process is being stopped."),
        },
        scopes=None,
    )
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
        return _json(Readiness("ok" if good else "unavailable", components), 200 if good else 503)

    @routes.get("/version")
    @described("Which version runs", answers={200: json_answer(Version, "This one.")}, scopes=None)
    def version() -> Response:
        return _json(Version(service, __version__, revision))

    return routes
