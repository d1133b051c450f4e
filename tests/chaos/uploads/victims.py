"""The processes that are killed: a real ingest under gunicorn on files, and the command that uploads to it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import urllib3

from tests.processes import processes_below

TOKEN: Final = "chaos"
READY_S: Final = 60.0


def environment(data_dir: Path, port: int) -> dict[str, str]:
    """This process's, without what would change a server started from it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TURNSCRIBE_", "MAX_"))}
    own = {"API_TOKEN": TOKEN, "DATA_DIR": str(data_dir), "API_HOST": "127.0.0.1", "API_PORT": str(port)}
    return {**kept, **own, "LOG_LEVEL": "WARNING"}


class Ingest:
    """Ingest on a port that stays ours while it is down: connections are refused then, as those to a dead server are."""

    def __init__(self, data_dir: Path, log: Path) -> None:
        self._log = log.open("ab")
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port.bind(("127.0.0.1", 0))  # never listens
        self._environ = environment(data_dir, self._port.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._environ['API_PORT']}"

    def start(self) -> None:
        """Start it; it is not waited for."""
        command = [sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf", "--reuse-port"]
        self._process = subprocess.Popen(
            [*command, "ingest_service.bootstrap:application()"],
            env=self._environ,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + READY_S
        with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
            while True:
                with contextlib.suppress(urllib3.exceptions.HTTPError):
                    if pool.request("GET", f"{self.url}/health/ready").status == 200:
                        return
                assert self._running().poll() is None, "ingest does not start; see its log"
                assert time.monotonic() < deadline_s, "ingest is not ready in time"
                time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL for gunicorn and its worker."""
        process = self._running()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_worker(self) -> bool:
        """SIGKILL for the worker, which gunicorn replaces. False when there is none just now."""
        process = self._running()
        workers = processes_below(process.pid) - {process.pid}
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        return bool(workers)

    def stop(self) -> None:
        """End it in order; its temporary files go with it."""
        process = self._running()
        process.terminate()
        assert process.wait(timeout=30) == 0

    def close(self) -> None:
        """Whatever happened: leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._port.close()
        self._log.close()

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process


class Uploader:
    """`turnscribe upload` with the same arguments each time; once or, by mistake, more often at the same time."""

    def __init__(self, url: str, files: Sequence[Path], options: Sequence[str], log: Path) -> None:
        command = [sys.executable, "-m", "turnscribe", "upload", "--url", url, "--json"]
        self._command = [*command, *options, *map(str, files)]
        self._log = log.open("ab")
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, times: int) -> None:
        environ = {**os.environ, "TURNSCRIBE_TOKEN": TOKEN}
        self._processes = [
            subprocess.Popen(self._command, env=environ, stdout=subprocess.PIPE, stderr=self._log) for _ in range(times)
        ]

    @property
    def is_running(self) -> bool:
        return any(process.poll() is None for process in self._processes)

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.communicate()

    def results(self, timeout_s: float) -> list[dict[str, Any]]:
        """What each printed, once all ended well."""
        told: list[dict[str, Any]] = []
        for process in self._processes:
            out, _ = process.communicate(timeout=timeout_s)
            assert process.returncode == 0, f"the uploader ended with {process.returncode}: {out.decode()}"
            told.append(json.loads(out))
        return told

    def close(self) -> None:
        """Whatever happened: leave nothing behind."""
        if self.is_running:
            self.kill()
        self._log.close()
