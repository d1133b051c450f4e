"""The three services on embedded adapters, each under a gunicorn of its own, so that its CPU time can be told apart.

The queue's dispatcher runs in the bench's own process: in the cloud, Pub/Sub does its work, and neither is a service's.
"""

import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

import urllib3

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Subscription
from common.clock import SystemClock
from common.settings import Secret
from common.topology import topology
from local_cloud.emulators import redis_server
from local_cloud.processes import Child, free_port

READY_S: Final = 60.0


class EmbeddedServices:
    """Running services. Use as a context manager, in a thread that stays."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.api_token = secrets.token_hex(8)
        self._push_token = Secret(secrets.token_hex(8))
        self._folder = folder
        self._running = ExitStack()
        self.redis_port = free_port()
        command = [redis_server(), "--bind", "127.0.0.1", "--port", str(self.redis_port), "--dir", str(folder)]
        self._redis = self._child("redis", [*command, "--save", ""], self.redis_port, environ)
        settings = {
            "API_TOKEN": self.api_token,
            "PUSH_TOKEN": self._push_token.reveal(),
            "DATA_DIR": str(folder / "data"),
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self.redis_port),
        }
        self._services = {
            name: self._service(name, {**environ, **settings}) for name in ("ingest", "segmenter", "transcribe")
        }
        self.ingest_url, self.read_url = self._url("ingest"), self._url("transcribe")

    def _child(self, name: str, command: list[str], port: int, environ: Mapping[str, str]) -> Child:
        return Child(name, command, port=port, log_path=self._folder / f"{name}.log", environ=environ)

    def _service(self, name: str, environ: Mapping[str, str]) -> Child:
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf"]
        command.append(f"{name}_service.bootstrap:application()")
        return self._child(name, command, port, {**environ, "API_HOST": "127.0.0.1", "API_PORT": str(port)})

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._services[name].port}"

    def __enter__(self) -> Self:
        try:
            for child in (self._redis, *self._services.values()):
                child.start()
                self._running.callback(child.stop)
            for name in self._services:
                self._wait_until_ready(name)
            self._deliver()
        except BaseException:
            self._running.close()
            raise
        return self

    def _wait_until_ready(self, name: str) -> None:
        deadline_s = time.monotonic() + READY_S
        self._services[name].wait_until_listening(READY_S)
        url = f"{self._url(name)}/health/ready"
        while urllib3.request("GET", url, retries=False, timeout=30).status != 200:
            if time.monotonic() > deadline_s:
                raise SystemExit(f"{name} is not ready")
            time.sleep(0.1)

    def _deliver(self) -> None:
        clock = SystemClock()
        queue = SqliteQueue(DataDir(self._folder / "data").queue, clock)
        self._running.callback(queue.close)
        for name, wanted in topology().subscriptions.items():
            endpoint = self._url(wanted.service) + wanted.path
            queue.subscribe(Subscription(name=name, topic=wanted.topic, endpoint=endpoint))
        dispatcher = PushDispatcher(queue, self._push_token, clock)
        dispatcher.start()
        self._running.callback(dispatcher.stop, 30)

    def __exit__(self, *_error: object) -> None:
        self._running.close()

    def cpu_seconds(self) -> Mapping[str, float]:
        """Since its start, by service."""
        return {name: child.cpu_seconds() for name, child in self._services.items()}
