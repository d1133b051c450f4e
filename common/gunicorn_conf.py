"""Gunicorn's configuration in production: `gunicorn --config python:common.gunicorn_conf 'ingest_service.bootstrap:application()'`.

Gunicorn reads the module's names and ignores those that it does not know, so that one file fits its versions.
"""

import os
from typing import Final

from common.native_memory import share_arenas
from common.server_settings import MAX_REQUEST_LINE_BYTES, ServerSettings
from common.startup import settings_or_exit

_CLOUD_RUN_GRACE_S: Final = 10
"""From SIGTERM to SIGKILL."""
_LOAD_BALANCER_KEEPALIVE_S: Final = 600
"""How long Google's front ends keep an idle connection for the next request."""

_settings = settings_or_exit(ServerSettings, os.environ)
# PORT is set where a container runs, whose only way in is the platform's front end.
_host = "0.0.0.0" if os.environ.get("PORT") else _settings.api_host  # noqa: S104 -- in a container alone

bind = f"{_host}:{_settings.api_port}"
workers = _settings.web_concurrency
worker_class = "common.slow_clients.PatientWorker"
threads = _settings.gunicorn_threads
# A worker that sits at Whisper for a minute is no dead worker; the platform's health checks find those.
timeout = 0
# What is in hand gets all the time there is; the last second is for closing.
graceful_timeout = _CLOUD_RUN_GRACE_S - 1
# The side that reuses a connection must be the one that closes it, or a request meets a connection that is just going away.
keepalive = _LOAD_BALANCER_KEEPALIVE_S + 20
limit_request_line = MAX_REQUEST_LINE_BYTES
# gRPC's threads do not survive a fork: each worker builds its own clients, after it.
preload_app = False
# Nothing here asks for the peer's address, the scheme or the host, so nobody's X-Forwarded-… is believed.
forwarded_allow_ips = ""
forwarder_headers = ""
# The services write a line for each request themselves.
accesslog = None
logger_class = "common.gunicorn_log.JsonLog"
loglevel = "warning"
# Later versions open one in the home directory, which nobody here uses.
control_socket_disable = True


def post_fork(_server: object, _worker: object) -> None:
    """What a worker writes (on embedded adapters recordings and transcripts) is its owner's alone. Gunicorn's own `umask` is for sockets.

    And its threads, none of which runs yet, share the C library's memory.
    """
    os.umask(0o077)
    share_arenas(os.environ)
