"""Installations whose every process is at hand: under load it is seen where CPU time, memory and descriptors go.

`embedded`: the three services on files and SQLite, each under a gunicorn of its own, with a redis-server and the queue in a process of its
own. `runner`: the same in one process, as `python -m local_runner` has it, Redis included. `cloud`: `local_cloud`'s stack.
"""

import secrets
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import Final, Self

import redis
import urllib3

from bench.load_usage import Usage, usage
from common.adapters.embedded.data_dir import DataDir
from local_cloud.emulators import redis_server
from local_cloud.processes import Child, free_port
from local_cloud.stack import Stack

READY_S: Final = 120.0
STOP_S: Final = 30.0
ROLES: Final = ("ingest", "segmenter", "transcribe")
EMBEDDED_THREADS: Final = 32
"""Of each service of `embedded`: the local runner has as many for all."""


class Installation(AbstractContextManager["Installation"]):
    """A running turnscribe. `services` are what is deployed, `besides` what they stand on. Enter it in a thread that stays."""

    def __init__(self) -> None:
        self.services: dict[str, Child] = {}
        self.besides: dict[str, Child] = {}
        self.ingest_port = 0
        self.read_url = ""
        self.api_token = secrets.token_hex(8)
        self.redis: redis.Redis | None = None
        """None where it is in a service's process."""
        self._running = ExitStack()

    def usage(self) -> dict[str, Usage]:
        """Of each process that runs, by name."""
        children = {**self.services, **self.besides}
        return {name: usage(child.pid) for name, child in children.items() if child.is_running}

    def queue_size(self) -> tuple[int, int] | None:
        """Messages in the queue and bytes of its file; None where the queue does not say."""
        return None

    def stored_bytes(self) -> int | None:
        """Of all databases beside the queue; None where they don't say."""
        return None

    def __exit__(self, *_error: object) -> None:
        self._running.close()

    def _start(self, child: Child) -> Child:
        child.start()
        self._running.callback(child.stop, STOP_S)
        return child


class _OnFiles(Installation):
    """What `embedded` and `runner` have in common."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._folder = folder
        self._data = DataDir(folder / "data")
        self._environ = {
            **environ,
            "API_TOKEN": self.api_token,
            "PUSH_TOKEN": secrets.token_hex(8),
            "DATA_DIR": str(self._data.root),
            "API_HOST": "127.0.0.1",
        }

    def queue_size(self) -> tuple[int, int] | None:
        with closing(sqlite3.connect(f"file:{self._data.queue}?mode=ro", uri=True, timeout=10)) as connection:
            (messages,) = connection.execute("SELECT count(*) FROM deliveries").fetchone()
        return int(messages), _bytes_of(self._data.queue)

    def stored_bytes(self) -> int | None:
        files = self._data.transcripts, self._data.streams, self._data.meetings, self._data.work, self._data.deliveries
        return sum(map(_bytes_of, files))

    def _child(self, name: str, command: list[str], environ: Mapping[str, str], port: int = 0) -> Child:
        return Child(name, command, port=port, log_path=self._folder / f"{name}.log", environ=environ)


class EmbeddedInstallation(_OnFiles):
    """`embedded`."""

    def __enter__(self) -> Self:
        with ExitStack() as on_failure:
            on_failure.callback(self._running.close)
            port = free_port()
            command = [
                redis_server(),
                "--bind",
                "127.0.0.1",
                "--port",
                str(port),
                "--dir",
                str(self._folder),
                "--save",
                "",
            ]
            self.besides["redis"] = self._start(self._child("redis", command, self._environ, port))
            self.besides["redis"].wait_until_listening(READY_S)
            self.redis = redis.Redis(port=port)
            self._running.callback(self.redis.close)
            environ = {"GUNICORN_THREADS": str(EMBEDDED_THREADS), **self._environ}
            environ |= {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port)}
            for name in ROLES:
                self._start_service(name, environ)
            for child in self.services.values():
                _wait_until_ready(child)
            urls = [f"http://127.0.0.1:{self.services[name].port}" for name in ROLES]
            queue = [sys.executable, "-m", "bench.load_queue", *urls]
            self.besides["queue"] = self._start(self._child("queue", queue, self._environ))
            self.ingest_port, self.read_url = self.services["ingest"].port, urls[-1]
            on_failure.pop_all()
        return self

    def _start_service(self, name: str, environ: Mapping[str, str]) -> None:
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf"]
        command.append(f"{name}_service.bootstrap:application()")
        child = self._child(name, command, {**environ, "API_PORT": str(port)}, port)
        self.services[name] = self._start(child)


class RunnerInstallation(_OnFiles):
    """`runner`."""

    def __enter__(self) -> Self:
        with ExitStack() as on_failure:
            on_failure.callback(self._running.close)
            port = free_port()
            command = [sys.executable, "-m", "local_runner"]
            child = self._start(self._child("runner", command, {**self._environ, "API_PORT": str(port)}, port))
            self.services["runner"] = child
            _wait_until_ready(child)
            self.ingest_port, self.read_url = port, f"http://127.0.0.1:{port}"
            on_failure.pop_all()
        return self


class CloudInstallation(Installation):
    """`cloud`."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._stack = Stack(folder / "stack", {**environ, "API_TOKEN": self.api_token})

    def __enter__(self) -> Self:
        stack = self._running.enter_context(self._stack)
        self.services = dict(stack.services)
        self.besides = {child.name: child for child in stack.emulators.all}
        self.ingest_port, self.read_url = stack.services["ingest"].port, stack.read_url
        self.redis = redis.Redis(port=stack.emulators.redis.port)
        self._running.callback(self.redis.close)
        return self


INSTALLATIONS: Final[Mapping[str, Callable[[Path, Mapping[str, str]], Installation]]] = {
    "embedded": EmbeddedInstallation,
    "runner": RunnerInstallation,
    "cloud": CloudInstallation,
}


def _wait_until_ready(child: Child) -> None:
    child.wait_until_listening(READY_S)
    deadline_s = time.monotonic() + READY_S
    url = f"http://127.0.0.1:{child.port}/health/ready"
    while urllib3.request("GET", url, retries=False, timeout=30).status != 200:
        if time.monotonic() > deadline_s:
            raise SystemExit(f"{child.name} is not ready; its log is {child.log_path}")
        time.sleep(0.1)


def _bytes_of(database: Path) -> int:
    """Of a database and its log."""
    files = (database.with_name(database.name + suffix) for suffix in ("", "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
