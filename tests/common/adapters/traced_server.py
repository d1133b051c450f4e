"""A child process: a service under gunicorn whose spans go to the gRPC server that CLOUD_TRACE names, for tests of its end."""

import os
import sys
from typing import Any

import grpc
from flask import Flask
from google.cloud.trace_v2.services.trace_service.transports import TraceServiceGrpcTransport
from gunicorn.app.base import BaseApplication

from common.settings import Settings
from common.startup import started
from common.web import base_app


class _Server(BaseApplication):
    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"127.0.0.1:{sys.argv[1]}",
            "worker_class": "gthread",
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        cloud_trace = os.environ["CLOUD_TRACE"]
        TraceServiceGrpcTransport.create_channel = lambda: grpc.insecure_channel(cloud_trace)
        start = started("ingest", Settings, os.environ)
        app = base_app("ingest", {}, start.drain)
        app.add_url_rule("/job", view_func=lambda: "")
        return app


if __name__ == "__main__":
    _Server().run()
