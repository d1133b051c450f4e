"""The Whisper service's application: which routes, behind which token, with which limits."""

from dataclasses import dataclass
from typing import Final

from flask import Flask, Response
from werkzeug.exceptions import RequestEntityTooLarge

from common.auth import SingleToken, require_bearer
from common.clock import Clock
from common.health import Drain
from common.ports.token_store import Scope
from common.problems import Problem, problem_response
from common.web import base_app
from whisper_service.admission import Admission
from whisper_service.routes import transcription_routes
from whisper_service.settings import WhisperSettings
from whisper_service.transcription import Engine

MAX_BODY_BYTES: Final = 25 * 1024 * 1024
"""As OpenAI's own route."""


@dataclass(frozen=True)
class WhisperDeps:
    """What the application is made of."""

    settings: WhisperSettings
    engine: Engine
    clock: Clock
    drain: Drain


def create_app(deps: WhisperDeps) -> Flask:
    """The application. Ready once the engine is."""
    settings = deps.settings
    app = base_app("whisper", {"model": deps.engine.check}, deps.drain, settings.revision)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    admission = Admission(workers=settings.whisper_workers, queue=settings.whisper_queue, clock=deps.clock)
    routes = transcription_routes(deps.engine, admission, max_audio_s=settings.whisper_max_audio_sec)
    if settings.whisper_api_token:
        routes.before_request(require_bearer(SingleToken(settings.whisper_api_token), Scope.INGEST))
    app.register_blueprint(routes)

    @app.errorhandler(RequestEntityTooLarge)
    def _too_large(_error: RequestEntityTooLarge) -> Response:
        detail = f"The request is larger than {MAX_BODY_BYTES:,} bytes. Send shorter or compressed audio."
        return problem_response(Problem(413, "request-too-large", detail, limit_bytes=MAX_BODY_BYTES))

    return app
