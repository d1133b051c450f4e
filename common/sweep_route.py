"""`POST /sweep`: the scheduler's way to make a service look for work that no event told it of."""

import time
from collections.abc import Callable

import msgspec
from flask import Blueprint, Response, request

from common.logs import get_logger
from common.problems import Problem
from common.push import PushAuth

log = get_logger(__name__)


def sweep_blueprint(sweep: Callable[[], msgspec.Struct], auth: PushAuth, path: str = "/sweep") -> Blueprint:
    """Sweeps where the request proves that it comes from the scheduler, and answers what `sweep` says it did, as JSON.

    Errors are problem details: a sweep that failed as a whole is 503, and the scheduler comes again.
    """
    routes = Blueprint(path.strip("/").replace("/", "-"), __name__)

    @routes.post(path)
    def run() -> Response:
        if not auth.allows(request):
            raise Problem(401, "unauthorized", "Only the scheduler may sweep.")
        began_s = time.perf_counter()
        done = sweep()
        log.info("swept", sweep=path, took_ms=round((time.perf_counter() - began_s) * 1000))
        return Response(msgspec.json.encode(done), content_type="application/json")

    return routes
