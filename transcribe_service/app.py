"""The transcribe service as a Flask application; `bootstrap` decides on what it stands, TRANSCRIBE_ROLE what it does."""

from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Flask

from common.compression import compress_answers
from common.openapi.route import openapi_blueprint
from common.web import base_app
from transcribe_service.live.waking_publisher import WakingPublisher
from transcribe_service.roles.api import api_routes, live_hub
from transcribe_service.roles.deps import TranscribeDeps
from transcribe_service.roles.shared import Shared
from transcribe_service.roles.worker import worker_routes

__all__ = ["MAX_BODY_BYTES", "TranscribeDeps", "create_app"]

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""The largest Pub/Sub message, 10 MB, in base64."""


def create_app(deps: TranscribeDeps) -> Flask:
    """The health routes and those of the role that the settings name.

    Both roles read and write all of the stores: readiness asks for the same. Whisper is no part of it: while it is down, transcripts can
    be read, and segments wait in the queue.
    """
    checks = {
        "objects": deps.blobs.check,
        "queue": deps.publisher.check,
        "transcripts": deps.transcripts.check,
        "streams": deps.streams.check,
        "meetings": deps.meetings.check,
        "webhooks": deps.webhooks.check,
        "deliveries": deps.deliveries.check,
        "works": deps.works.check,
    }
    app = base_app("transcribe", checks, deps.drain, deps.settings.revision)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    compress_answers(app)
    for routes in _routes_of_role(deps):
        app.register_blueprint(routes)
    if deps.settings.answers_people:
        app.register_blueprint(openapi_blueprint(app, "turnscribe: transcripts"))
    return app


def _routes_of_role(deps: TranscribeDeps) -> Iterator[Blueprint]:
    shared = Shared.over(deps)
    match deps.settings.transcribe_role:
        case "worker":
            yield from worker_routes(deps, shared, deps.publisher)
        case "api":
            yield from api_routes(deps, shared, live_hub(deps, shared))
        case "all":  # what is stored here is seen here at once
            hub = live_hub(deps, shared)
            yield from worker_routes(deps, shared, WakingPublisher(deps.publisher, hub.wake))
            yield from api_routes(deps, shared, hub)
