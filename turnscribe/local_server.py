"""`python -m local_runner` as a child process: starting it, waiting for it, stopping it. Only speaks its command line and HTTP."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3

LOG_NAME = "server.log"
STOP_TIMEOUT_S = 45.0
"""Longer than the runner takes to finish what it has in hand."""


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


def server_command() -> list[str]:
    """The command that runs the local server. Raises `LocalServerFailed` when only the client is installed."""
    if importlib.util.find_spec("local_runner") is None:
        raise LocalServerFailed("the services are not installed here; install turnscribe[local]")
    return [sys.executable, "-m", "local_runner"]


class LocalServer:
    """A runner that lives no longer than this process, even if that is killed. Use as a context manager."""

    def __init__(self, data_dir: Path, port: int, environ: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._environ = server_environment(environ, data_dir, port)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{port}"

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
        """Process id of the runner."""
        if self._process is None:
            raise LocalServerFailed("the local server was not started")
        return self._process.pid

    def __enter__(self) -> Self:
        # Not in our process group, so that Ctrl-C reaches only this process, which then stops the server in order.
        command = [*server_command(), "--parent", str(os.getpid())]
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
        self.url = str(json.loads(line)["url"])

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the log."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def check_alive(self) -> None:
        """Raise `LocalServerFailed` if the runner has ended."""
        if self._process is None or self._process.poll() is not None:
            raise LocalServerFailed(f"the local server ended; its log is {self.log_path}:\n{self.log_tail()}")

    def wait_until_ready(self, timeout_s: float) -> None:
        """Return once all components answer. Raises `LocalServerFailed` after `timeout_s`, or when the runner ends."""
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
        """Let the runner finish what it has in hand, then end it. Harmless when it has ended already."""
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
