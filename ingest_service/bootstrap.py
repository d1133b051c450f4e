"""From the environment to a running ingest. The only place that builds its adapters."""

import os

from flask import Flask

from common.adapters.backend import backend_of
from common.auth import SingleToken
from common.startup import started
from ingest_service.app import IngestDeps, create_app
from ingest_service.settings import IngestSettings

SOURCE = "/turnscribe/ingest"


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker."""
    start = started("ingest", IngestSettings, os.environ)
    settings, clock = start.settings, start.clock
    backend = backend_of(settings, SOURCE, clock)
    return create_app(
        IngestDeps(
            settings=settings,
            blobs=backend.blobs(),
            publisher=backend.publisher(),
            tokens=SingleToken(settings.api_token),
            clock=clock,
            drain=start.drain,
        )
    )
