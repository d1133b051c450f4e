"""From the environment to a running ingest. The only place that builds its adapters."""

import os
from pathlib import Path

from flask import Flask

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.auth import SingleToken
from common.startup import started
from ingest_service.app import IngestDeps, create_app
from ingest_service.settings import IngestSettings

SOURCE = "/turnscribe/ingest"


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker."""
    start = started("ingest", IngestSettings, os.environ)
    settings, clock = start.settings, start.clock
    data_dir = DataDir(Path(settings.data_dir))
    return create_app(
        IngestDeps(
            settings=settings,
            blobs=FileBlobStore(data_dir.objects),
            publisher=QueuePublisher(SqliteQueue(data_dir.queue, clock), SOURCE, clock),
            tokens=SingleToken(settings.api_token),
            clock=clock,
            drain=start.drain,
        )
    )
