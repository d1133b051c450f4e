"""The ingest application, from its dependencies."""

from dataclasses import dataclass

from flask import Flask

from common.auth import TokenVerifier
from common.clock import Clock
from common.health import Drain
from common.openapi.route import openapi_blueprint
from common.ports.blob_store import BlobStore
from common.ports.publisher import Publisher
from common.ports.source_objects import SourceObjects
from common.ports.token_store import TokenStore
from common.web import base_app
from ingest_service.earlier.routes import earlier_routes
from ingest_service.http.cors import install_cors
from ingest_service.http.limits import tenant_limits
from ingest_service.http.places import Places, places_of
from ingest_service.http.recorder_routes import recorder_routes
from ingest_service.http.recording_routes import recording_routes
from ingest_service.http.request_head import refuse_long_heads
from ingest_service.http.stream_routes import stream_routes
from ingest_service.http.token_routes import token_routes
from ingest_service.http.transcription_routes import transcription_routes
from ingest_service.http.tus_protocol import upload_capabilities, with_method_override
from ingest_service.http.upload_routes import upload_routes
from ingest_service.http.upload_speaker_routes import upload_speaker_routes
from ingest_service.intake.intake import Intake, KnownConnections
from ingest_service.intake.uploads import Uploads
from ingest_service.pubsub.dropbox import DropBox
from ingest_service.pubsub.push_routes import Pushes, drop_box, push_routes
from ingest_service.settings import IngestSettings
from ingest_service.transcript_reader import Transcripts
from ingest_service.websocket.stream_socket import stream_socket


@dataclass(frozen=True, slots=True)
class IngestDeps:
    """What ingest needs from outside."""

    settings: IngestSettings
    blobs: BlobStore
    publisher: Publisher
    tokens: TokenVerifier
    token_store: TokenStore
    clock: Clock
    drain: Drain
    threads: int = 8
    """Requests that the server answers at a time; half of them may wait for long."""
    transcripts: Transcripts | None = None
    """Who keeps transcripts; None: nobody says, and POST /v1/audio/transcriptions has nothing to answer with."""
    pushes: Pushes | None = None
    """What pushes stand on; None: there are no push routes."""


def create_app(deps: IngestDeps) -> Flask:
    """Ingest over any adapters. Store, then publish, then 2xx.

    The token store is no part of readiness: while it is down, API_TOKEN and the tokens that are remembered upload as ever.
    """
    checks = {"blobs": deps.blobs.check, "publisher": deps.publisher.check}
    app = base_app("ingest", checks, deps.drain, deps.settings.revision)
    install_cors(app, deps.settings.allowed_origins)
    refuse_long_heads(app)
    intake = _intake(deps)
    limits = tenant_limits(deps.settings, deps.clock)
    app.register_blueprint(token_routes(deps.token_store, deps.tokens, limits, deps.clock))
    app.register_blueprint(stream_routes(intake, deps.settings, deps.tokens, limits, deps.clock))
    app.register_blueprint(recorder_routes())
    uploads = Uploads(intake)
    app.register_blueprint(recording_routes(intake, uploads, deps.settings, deps.tokens, limits))
    app.register_blueprint(upload_routes(uploads, deps.settings, deps.tokens, limits, deps.clock))
    app.register_blueprint(upload_speaker_routes(uploads, deps.tokens, limits))
    app.register_blueprint(upload_capabilities(deps.settings.max_recording_bytes))
    app.wsgi_app = with_method_override(app.wsgi_app)  # type: ignore[method-assign, assignment]  # as Flask's own documentation does
    places = Places(places_of(deps.threads))
    app.register_blueprint(stream_socket(intake, deps.settings, deps.tokens, limits, places, deps.drain, deps.clock))
    app.register_blueprint(
        transcription_routes(intake, deps.settings, deps.tokens, limits, deps.transcripts, places, deps.drain)
    )
    earlier = earlier_routes(intake, deps.settings, deps.tokens, deps.token_store, limits, deps.drain, places)
    for routes in earlier:
        app.register_blueprint(routes)
    if deps.pushes is not None:
        app.register_blueprint(push_routes(intake, uploads, deps.pushes, deps.settings))
    app.register_blueprint(openapi_blueprint(app, "turnscribe: intake"))
    return app


def drop_box_over(deps: IngestDeps, sources: SourceObjects) -> DropBox:
    """What makes meetings of the files in `sources`, for who finds them without a push: any number may work beside the application."""
    intake = _intake(deps)
    return drop_box(intake, Uploads(intake), sources, deps.settings)


def _intake(deps: IngestDeps) -> Intake:
    return Intake(
        deps.blobs,
        deps.publisher,
        deps.settings.raw_audio_path,
        KnownConnections(),
        deps.clock,
        deps.settings.connection_limits,
    )
