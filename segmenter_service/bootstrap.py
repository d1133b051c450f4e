"""From the environment to a running segmenter. The only place that builds its adapters."""

import os
from pathlib import Path

from flask import Flask

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.embedded_redis import connect_redis
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.push import SharedTokenAuth
from common.startup import started
from segmenter_service.app import SegmenterDeps, create_app
from segmenter_service.settings import SegmenterSettings

SOURCE = "/turnscribe/segmenter"


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker."""
    start = started("segmenter", SegmenterSettings, os.environ)
    settings, clock = start.settings, start.clock
    data_dir = DataDir(Path(settings.data_dir))
    return create_app(
        SegmenterDeps(
            settings=settings,
            blobs=FileBlobStore(data_dir.objects),
            publisher=QueuePublisher(SqliteQueue(data_dir.queue, clock), SOURCE, clock),
            streams=SqliteStreamRegistry(data_dir.streams),
            redis=connect_redis(settings.redis_host, settings.redis_port, settings.redis_password),
            push_auth=SharedTokenAuth(settings.push_token),
            clock=clock,
            drain=start.drain,
        )
    )
