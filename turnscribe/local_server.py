"""The services on this machine as a child process: started, waited for, stopped. Only speaks their command line and HTTP.

`python -m local_runner` has them in one process on files; `python -m local_cloud` as in production, on emulators.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import urllib3

LOG_NAME = "server.log"
STOP_TIMEOUT_S = 45.0
"""Longer than the runner takes to finish what it has in hand."""


@dataclass(frozen=True)
class ServerKind:
    """A module that serves, and the extra that installs it."""

    module: str
    extra: str


RUNNER: Final = ServerKind("local_runner", "local")
STACK: Final = ServerKind("local_cloud", "stack")


class LocalServerFailed(Exception):
    """The local server did not start or did not stay. The message is for a person."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def server_environment(environ: Mapping[str, str], data_dir: Path, port: int) -> dict[str, str]:
    """The environment of a runner on 127.0.0.1 with its data in `data_dir`. Pure."""
    kept = {name: value for name, value in environ.items() if name != "PORT"}
    return {**kept, "DATA_DIR": str(data_dir), "API_HOST": "127.0.0.1", "API_PORT": str(port)}


def server_command(kind: ServerKind = RUNNER) -> list[str]:
    """The command that runs the local server. Raises `LocalServerFailed` when it is not installed."""
    if importlib.util.find_spec(kind.module) is None:
        raise LocalServerFailed(f"the services are not installed here; install turnscribe[{kind.extra}]")
    return [sys.executable, "-m", kind.module]


class LocalServer:
    """A server that lives no longer than this process, even if that is killed. Use as a context manager.

    Uploads go to `url`, transcripts come from `read_url`, and `stats_url` answers `/internal/stats`: one and the same at the
    runner, three at the stack. `port` None is a free one.
    """

    def __init__(self, data_dir: Path, port: int | None, environ: Mapping[str, str], kind: ServerKind = RUNNER) -> None:
        self._data_dir = data_dir
        self._kind = kind
        self._options: list[str] = []
        if kind is RUNNER:
            port = port or free_port()
            self._environ = server_environment(environ, data_dir, port)
        else:
            self._options = ["--port", str(port)] if port else []
            self._environ = {**environ, "DATA_DIR": str(data_dir)}
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self.read_url = self.stats_url = f"http://127.0.0.1:{port}"

    @property
    def log_path(self) -> Path:
        """Where the server's logs go."""
        return self._data_dir / LOG_NAME

    @property
    def token_path(self) -> Path:
        """Where the server keeps the token that it made, unless API_TOKEN is set."""
        return self._data_dir / "token"

    @property
    def token(self) -> str:
        """The bearer token of this server."""
        return self._environ.get("API_TOKEN") or self.token_path.read_text().strip()

    @property
    def pid(self) -> int:
        """Process id of the server."""
        if self._process is None:
            raise LocalServerFailed("the local server was not started")
        return self._process.pid

    def __enter__(self) -> Self:
        # Not in our process group, so that Ctrl-C reaches only this process, which then stops the server in order.
        command = [*server_command(self._kind), *self._options, "--parent", str(os.getpid())]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
                command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._read_start_line()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _read_start_line(self) -> None:
        stdout = self._process.stdout if self._process else None
        line = stdout.readline() if stdout else b""
        if not line:
            raise LocalServerFailed(f"the local server did not start:\n{self.log_tail()}")
        told = json.loads(line)
        self.url = str(told["url"])
        self.read_url = str(told.get("read_url", self.url))
        self.stats_url = str(told.get("stats_url", self.url))

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the log."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def check_alive(self) -> None:
        """Raise `LocalServerFailed` if the server has ended."""
        if self._process is None or self._process.poll() is not None:
            raise LocalServerFailed(f"the local server ended; its log is {self.log_path}:\n{self.log_tail()}")

    def wait_until_ready(self, timeout_s: float) -> None:
        """Return once all components answer. Raises `LocalServerFailed` after `timeout_s`, or when the server ends."""
        if self._kind is STACK:
            return  # it says where it is when it is ready, and no earlier
        deadline_s = time.monotonic() + timeout_s
        answer = "no answer"
        waiting = ["/health/ready", *(f"/internal{part}/health/ready" for part in ("", "/ingest", "/segmenter"))]
        with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
            while time.monotonic() < deadline_s:
                self.check_alive()
                try:
                    response = pool.request("GET", self.url + waiting[0])
                except urllib3.exceptions.HTTPError as error:
                    answer = type(error).__name__
                else:
                    answer = response.data.decode(errors="replace")
                    if response.status == 200:
                        waiting.pop(0)
                        if not waiting:
                            return
                        continue
                time.sleep(0.1)
        raise LocalServerFailed(f"the local server is not ready after {timeout_s:.0f} s ({answer})")

    def stop(self) -> None:
        """Let the server finish what it has in hand, then end it. Harmless when it has ended already."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout:
            process.stdout.close()
        self._process = None


def serve(data_dir: Path, port: int) -> None:
    """Become the local server: replaces this process. Raises `LocalServerFailed` when it is not installed."""
    command = server_command()
    os.execve(command[0], command, server_environment(os.environ, data_dir, port))  # noqa: S606 -- our own interpreter and module
