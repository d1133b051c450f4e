"""The ingest application, from its dependencies."""

from dataclasses import dataclass

from flask import Flask

from common.auth import TokenVerifier
from common.clock import Clock
from common.health import Drain
from common.ports.blob_store import BlobStore
from common.ports.publisher import Publisher
from common.ports.token_store import TokenStore
from common.web import base_app
from ingest_service.http.cors import install_cors
from ingest_service.http.places import Places, places_of
from ingest_service.http.stream_routes import stream_routes
from ingest_service.http.transcription_routes import transcription_routes
from ingest_service.intake.intake import Intake, KnownConnections
from ingest_service.settings import IngestSettings
from ingest_service.transcript_reader import Transcripts


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


def create_app(deps: IngestDeps) -> Flask:
    """Ingest over any adapters. Store, then publish, then 2xx."""
    checks = {"blobs": deps.blobs.check, "publisher": deps.publisher.check}
    app = base_app("ingest", checks, deps.drain)
    install_cors(app, deps.settings.allowed_origins)
    intake = Intake(deps.blobs, deps.publisher, deps.settings.raw_audio_path, KnownConnections(), deps.clock)
    app.register_blueprint(stream_routes(intake, deps.settings, deps.tokens, deps.clock))
    places = Places(places_of(deps.threads))
    app.register_blueprint(
        transcription_routes(intake, deps.settings, deps.tokens, deps.transcripts, places, deps.drain)
    )
    return app
