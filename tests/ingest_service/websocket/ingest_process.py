"""A real ingest: gunicorn with its production configuration, on files, which a test may kill and start again on the same port."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.object_names import ConnectionObjects, seq_of

TOKEN = "t"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


class IngestProcess:
    """The listening socket is handed down, so that no port is lost to somebody else between two starts."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self._data_dir = data_dir
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}"
        kept = {name: value for name, value in os.environ.items() if name not in {"PORT", "GCS_BUCKET"}}
        self._environ = {**kept, "API_TOKEN": TOKEN, "DATA_DIR": str(data_dir), **settings}
        self._log = data_dir / "ingest.log"
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf"]
        command += ["--bind", f"fd://{self._listener.fileno()}", "ingest_service.bootstrap:application()"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=self._environ,
                pass_fds=[self._listener.fileno()],
                stdout=log,
                start_new_session=True,
            )
        return self.process

    def kill(self) -> None:
        """Arbiter and worker at once, without a chance to finish anything."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        try:
            assert self.process.wait(30) in {0, -signal.SIGTERM}  # the latter where it had not begun to listen
        finally:
            self._listener.close()

    def open(self, connection_id: str, meeting_id: str = "m1", query: str = "") -> ClientConnection:
        """A WebSocket, to be used in a `with` statement."""
        url = f"ws://127.0.0.1:{self.address[1]}/v1/stream?meeting_id={meeting_id}&connection_id={connection_id}{query}"
        return connect(url, additional_headers=AUTHORIZED, compression=None, proxy=None, max_size=None)

    def stored(self, connection_id: str) -> dict[int, bytes]:
        """The durable chunks, by seq."""
        blobs = FileBlobStore(DataDir(self._data_dir).objects)
        prefix = ConnectionObjects("default", connection_id).chunks_prefix
        return {seq_of(info.name): blobs.read(info.name) for info in blobs.list(prefix)}

    def log_lines(self, message: str) -> list[dict[str, Any]]:
        """What was logged under this name."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line for line in lines if line["message"] == message]
