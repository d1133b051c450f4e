"""From the environment to a running segmenter. The only place that builds its adapters."""

import os

from flask import Flask

from common.adapters.backend import backend_of
from common.adapters.redis_server import RedisAddress, connect_redis
from common.push_auth import push_auth_of
from common.startup import started
from segmenter_service.app import SegmenterDeps, create_app
from segmenter_service.settings import SegmenterSettings

SOURCE = "/turnscribe/segmenter"


def application() -> Flask:
    """The application of this process; gunicorn calls it once in its worker."""
    start = started("segmenter", SegmenterSettings, os.environ)
    settings, clock = start.settings, start.clock
    backend = backend_of(settings, SOURCE, clock)
    return create_app(
        SegmenterDeps(
            settings=settings,
            blobs=backend.blobs(),
            publisher=backend.publisher(),
            streams=backend.streams(),
            meetings=backend.meetings(),
            redis=connect_redis(redis_address(settings)),
            push_auth=push_auth_of(settings, clock),
            clock=clock,
            drain=start.drain,
        )
    )


def redis_address(settings: SegmenterSettings) -> RedisAddress:
    """The Redis server that the settings name."""
    return RedisAddress(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password,
        tls=settings.redis_tls,
        ca_cert=settings.redis_ca_cert,
    )
