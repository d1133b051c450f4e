"""From the environment to a running ingest. The only place that builds its adapters."""

import os

from flask import Flask

from common.adapters.backend import backend_of
from common.push_auth import push_auth_of
from common.server_settings import ServerSettings
from common.startup import settings_or_exit, started
from common.stored_tokens import stored_tokens
from ingest_service.app import IngestDeps, create_app
from ingest_service.pubsub.push_routes import Pushes
from ingest_service.settings import IngestSettings
from ingest_service.transcript_reader import TranscriptReader

SOURCE = "/turnscribe/ingest"


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker."""
    start = started("ingest", IngestSettings, os.environ)
    settings, clock = start.settings, start.clock
    backend = backend_of(settings, SOURCE, clock)
    threads = settings_or_exit(ServerSettings, os.environ).gunicorn_threads
    transcripts = (
        TranscriptReader(settings.transcript_api_url, connections=threads) if settings.transcript_api_url else None
    )
    token_store = backend.tokens()
    return create_app(
        IngestDeps(
            settings=settings,
            blobs=backend.blobs(),
            publisher=backend.publisher(),
            tokens=stored_tokens(settings, token_store, clock),
            token_store=token_store,
            clock=clock,
            drain=start.drain,
            threads=threads,
            transcripts=transcripts,
            pushes=Pushes(push_auth_of(settings, clock), backend.sources()),
        )
    )
