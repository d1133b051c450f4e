"""The ingest application, from its dependencies."""

from dataclasses import dataclass

from flask import Flask

from common.auth import TokenVerifier
from common.clock import Clock
from common.health import Drain
from common.ports.blob_store import BlobStore
from common.ports.publisher import Publisher
from common.web import base_app
from ingest_service.http.cors import install_cors
from ingest_service.http.stream_routes import stream_routes
from ingest_service.intake.intake import Intake, KnownConnections
from ingest_service.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class IngestDeps:
    """What ingest needs from outside."""

    settings: IngestSettings
    blobs: BlobStore
    publisher: Publisher
    tokens: TokenVerifier
    clock: Clock
    drain: Drain


def create_app(deps: IngestDeps) -> Flask:
    """Ingest over any adapters. Store, then publish, then 2xx."""
    checks = {"blobs": deps.blobs.check, "publisher": deps.publisher.check}
    app = base_app("ingest", checks, deps.drain)
    install_cors(app, deps.settings.allowed_origins)
    intake = Intake(deps.blobs, deps.publisher, deps.settings.raw_audio_path, KnownConnections(), deps.clock)
    app.register_blueprint(stream_routes(intake, deps.settings, deps.tokens, deps.clock))
    return app
