"""`GET /internal/stats` of the stack: what its processes have done and used, for who measures it. Bearer token as for readers."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import urllib3
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.serving import WSGIRequestHandler, make_server

from common.auth import TokenVerifier, require_bearer
from common.errors import Retryable
from common.health import Drain
from common.ports.token_store import Scope
from common.web import base_app
from local_cloud.processes import Child
from local_runner.whisper_stats import WhisperStats, whisper_stats

_TIMEOUT_S: Final = 5.0


def whisper_stats_of(url: str, token: str) -> WhisperStats | None:
    """The account of the Whisper server at `url`. None when it does not answer."""
    with urllib3.PoolManager(retries=False, timeout=_TIMEOUT_S) as pool:
        try:
            return whisper_stats(pool, url, token)
        except Retryable:
            return None


def usage(children: Iterable[Child]) -> dict[str, dict[str, object]]:
    """Name → `{"cpu_seconds", "resident_bytes", "pid"}`; the pid is None where it does not run."""
    return {
        child.name: {
            "cpu_seconds": round(child.cpu_seconds(), 2),
            "resident_bytes": child.resident_bytes(),
            "pid": child.pid if child.is_running else None,
        }
        for child in children
    }


def stats_app(tokens: TokenVerifier, stats: Callable[[], Mapping[str, object]]) -> Flask:
    """`GET /internal/stats` answers what `stats` returns."""
    app = base_app("stack", {}, Drain())
    authenticate = require_bearer(tokens, Scope.ADMIN)

    @app.get("/internal/stats")
    def answer() -> ResponseReturnValue:
        authenticate()
        return jsonify(stats())

    return app


class _QuietHandler(WSGIRequestHandler):
    """The application writes a line for each request itself."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class StatsServer:
    """Serves an application on a free port of 127.0.0.1, in a thread, until it is stopped."""

    def __init__(self, app: Flask) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="stats", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
