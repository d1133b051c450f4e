"""`GET /internal/stats`: what this runner has done and has before it, for who measures it. Bearer token as for readers."""

import time
from collections.abc import Callable, Mapping

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.auth import TokenVerifier, require_bearer
from common.errors import Retryable
from common.health import Check, Drain
from common.ports.token_store import Scope
from common.web import base_app
from local_runner.whisper_process import WhisperProcess


def _whisper(process: WhisperProcess | None) -> Mapping[str, object] | None:
    if process is None:
        return None
    try:
        stats = process.stats()
    except Retryable:
        return None
    return {
        "requests": stats.requests,
        "audio_seconds": stats.audio_seconds,
        "busy_seconds": stats.busy_seconds,
    }


def create_stats_app(
    queue: SqliteQueue,
    whisper: WhisperProcess | None,
    tokens: TokenVerifier,
    drain: Drain,
    checks: Mapping[str, Check],
    cpu_seconds: Callable[[], float] = time.process_time,
) -> Flask:
    """`{"cpu_seconds", "queue": {subscription: {"messages"}}, "whisper": {…} | null}`.

    `cpu_seconds` is that of the process with the three services since it began; Whisper's `busy_seconds` come on top.
    """
    app = base_app("local", checks, drain)
    authenticate = require_bearer(tokens, Scope.ADMIN)

    @app.get("/stats")
    def stats() -> ResponseReturnValue:
        authenticate()
        backlogs = {backlog.subscription: {"messages": backlog.messages} for backlog in queue.backlogs()}
        return jsonify({"cpu_seconds": cpu_seconds(), "queue": backlogs, "whisper": _whisper(whisper)})

    return app
