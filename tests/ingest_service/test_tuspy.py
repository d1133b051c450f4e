"""A tus client that others wrote, against the real ingest process: files and queue, gunicorn, killed and started again."""

import hashlib
import io
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tusclient.client import TusClient
from tusclient.uploader import Uploader

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.events import StreamEnded
from common.object_names import ConnectionObjects
from common.stored_chunks import event_of_content

MIB = 1024**2
RECORDING = b"OggS" + random.Random(3).randbytes(6 * MIB + 321)
METADATA = {"filename": "a.ogg", "filetype": "audio/ogg", "meeting_id": "m1", "connection_id": "c1"}
OBJECTS = ConnectionObjects("default", "c1")
CLIENT = """
import sys
from tusclient.client import TusClient
_, url, path = sys.argv
client = TusClient(url, headers={"Authorization": "Bearer t"})
uploader = client.uploader(path, chunk_size=700_000, metadata=%r)
while uploader.offset < uploader.stop_at:
    uploader.upload_chunk()
    print(uploader.offset, uploader.url, flush=True)
"""


@dataclass
class Server:
    """Ingest that can be killed and started again on its port: the listening socket is handed down."""

    listener: socket.socket
    data_dir: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def uploads_url(self) -> str:
        host, port = self.listener.getsockname()
        return f"http://{host}:{port}/v1/uploads"

    def start(self) -> None:
        number = self.listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{number}", "--worker-class", "gthread"]
        command += ["--threads", "4", "--no-control-socket", "--log-level", "warning"]
        self.process = subprocess.Popen(
            [*command, "ingest_service.bootstrap:application()"],
            env={**os.environ, "API_TOKEN": "t", "DATA_DIR": str(self.data_dir)},
            pass_fds=[number],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL to master and worker at once: nothing is finished, nothing is said."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Server(listener, tmp_path / "data")
        made.start()
        try:
            yield made
        finally:
            made.stop()


def client_of(server: Server) -> TusClient:
    return TusClient(server.uploads_url, headers={"Authorization": "Bearer t"})


def begin(server: Server, chunk_size: int) -> Uploader:
    return client_of(server).uploader(
        file_stream=io.BytesIO(RECORDING), chunk_size=chunk_size, metadata=METADATA, metadata_encoding="utf-8"
    )


def go_on(server: Server, url: str, chunk_size: int = MIB) -> Uploader:
    """Goes on, as tus says, from where the upload is after a 409: what a killed client had sent may still be on its way in."""
    recording = io.BytesIO(RECORDING)
    return client_of(server).uploader(
        file_stream=recording, chunk_size=chunk_size, url=url, retries=20, retry_delay=0.1
    )


def assert_it_arrived_once(server: Server) -> None:
    store = FileBlobStore(DataDir(server.data_dir).objects)
    chunks = list(store.list(OBJECTS.chunks_prefix))
    assert [chunk.name for chunk in chunks] == [OBJECTS.chunk(seq) for seq in range(len(chunks))]
    stored = hashlib.sha256()
    for chunk in chunks:
        stored.update(store.read(chunk.name))
    assert stored.hexdigest() == hashlib.sha256(RECORDING).hexdigest()
    end = event_of_content(store.read(OBJECTS.end), StreamEnded)
    assert (end.meeting_id, end.last_seq) == ("m1", len(chunks) - 1)
    store.close()


@pytest.mark.parametrize("chunk_size", [sys.maxsize, 5 * MIB, 900_001])
def test_a_recording_arrives_whatever_the_size_of_its_parts(server: Server, chunk_size: int) -> None:
    uploader = begin(server, chunk_size)
    uploader.upload()
    assert uploader.offset == len(RECORDING)
    assert_it_arrived_once(server)


def test_a_client_that_is_killed_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    path.write_bytes(RECORDING)
    command = [sys.executable, "-c", CLIENT % METADATA, server.uploads_url, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        offset, url = client.stdout.readline().split()
        client.kill()
    uploader = go_on(server, url)
    assert int(offset) <= uploader.offset <= len(RECORDING)
    uploader.upload()
    assert_it_arrived_once(server)


def test_a_server_that_is_killed_between_and_within_parts_loses_nothing_of_what_it_said(server: Server) -> None:
    uploader = begin(server, 1_500_000)
    uploader.upload_chunk()
    assert (uploader.offset, uploader.url) == (1_500_000, f"{server.uploads_url}/c1")
    server.kill()
    server.start()
    send_half_a_part_and_kill(server, uploader.offset)
    server.start()
    uploader = go_on(server, uploader.url, 1_000_000)
    assert 1_500_000 <= uploader.offset < len(RECORDING)
    uploader.upload_chunk()
    server.kill()
    server.start()
    go_on(server, uploader.url).upload()
    assert_it_arrived_once(server)


def send_half_a_part_and_kill(server: Server, offset: int) -> None:
    """The part is long enough that some of it is stored before its second half is ever sent."""
    part = RECORDING[offset:]
    head = (
        f"PATCH /v1/uploads/c1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nTus-Resumable: 1.0.0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\nContent-Length: {len(part)}\r\n\r\n"
    )
    with socket.create_connection(server.listener.getsockname(), timeout=30) as connection:
        connection.sendall(head.encode() + part[: len(part) // 2])
        deadline_s = time.monotonic() + 30
        while len(list((server.data_dir).rglob("chunks/*"))) < 3:
            assert time.monotonic() < deadline_s, "nothing was stored of the part"
            time.sleep(0.01)
        server.kill()


def test_what_came_before_a_connection_broke_is_kept_to_the_byte(server: Server) -> None:
    uploader = begin(server, 100_000)
    uploader.upload_chunk()
    head = (
        "PATCH /v1/uploads/c1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nTus-Resumable: 1.0.0\r\n"
        "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 100000\r\nContent-Length: 5000000\r\n\r\n"
    )
    with socket.create_connection(server.listener.getsockname(), timeout=30) as connection:
        connection.sendall(head.encode() + RECORDING[100_000:1_600_000])
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Upload-Offset: 1600000\r\n" in answer
    uploader = go_on(server, uploader.url)
    assert uploader.offset == 1_600_000
    uploader.upload()
    assert_it_arrived_once(server)
