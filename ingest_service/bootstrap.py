"""From the environment to a running ingest. The only place that builds its adapters."""

import os
from pathlib import Path

from flask import Flask

from common import logs
from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.auth import SingleToken
from common.clock import SystemClock
from common.health import Drain
from common.settings import as_logged
from common.startup import drain_on_sigterm, settings_or_exit
from ingest_service.app import IngestDeps, create_app
from ingest_service.settings import IngestSettings

SOURCE = "/turnscribe/ingest"
log = logs.get_logger(__name__)


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker."""
    settings = settings_or_exit(IngestSettings, os.environ)
    logs.configure("ingest", settings.log_level)
    log.info("starting", **as_logged(settings))
    clock = SystemClock()
    data_dir = DataDir(Path(settings.data_dir))
    drain = Drain()
    drain_on_sigterm(drain)
    return create_app(
        IngestDeps(
            settings=settings,
            blobs=FileBlobStore(data_dir.objects),
            publisher=QueuePublisher(SqliteQueue(data_dir.queue, clock), SOURCE, clock),
            tokens=SingleToken(settings.api_token),
            clock=clock,
            drain=drain,
        )
    )
