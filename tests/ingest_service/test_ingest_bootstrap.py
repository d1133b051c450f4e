"""The real ingest process: gunicorn, files and queue, over HTTP."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.object_names import ConnectionObjects

LIMIT = 4_096_000
CHUNKS = "/v1/streams/c1/chunks"
OBJECTS = ConnectionObjects("default", "c1")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def address(data_dir: Path) -> Iterator[tuple[str, int]]:
    """Where a real ingest listens. The listening socket is handed down, so that no port is lost to somebody else."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--worker-class", "gthread"]
        command += ["--threads", "4", "--no-control-socket", "--log-level", "warning", "--limit-request-line", "8190"]
        environ = {**os.environ, "API_TOKEN": "t", "DATA_DIR": str(data_dir), "MAX_CHUNK_BYTES": str(LIMIT)}
        server = subprocess.Popen(
            [*command, "ingest_service.bootstrap:application()"],
            env=environ,
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
        )
        try:
            yield listener.getsockname()
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=30) == 0


@pytest.fixture
def connection(address: tuple[str, int]) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection(*address, timeout=30)
    yield made
    made.close()


def put(connection: http.client.HTTPConnection, path: str, body: object, headers: dict[str, str]) -> int:
    headers = {"Authorization": "Bearer t", "Content-Type": "audio/webm", **headers}
    connection.request("PUT", f"{path}?meeting_id=m1", body=body, headers=headers)  # type: ignore[arg-type]  # bytes or an iterable of bytes
    answer = connection.getresponse()
    answer.read()
    return answer.status


def stored(data_dir: Path, seq: int) -> list[int]:
    return [info.size_bytes for info in FileBlobStore(DataDir(data_dir).objects).list(OBJECTS.chunk(seq))]


def test_chunks_with_and_without_a_length_are_stored(connection: http.client.HTTPConnection, data_dir: Path) -> None:
    assert put(connection, f"{CHUNKS}/1", b"x" * 100_000, {}) == 201
    assert put(connection, f"{CHUNKS}/1", (b"x" * 25_000 for _ in range(4)), {}) == 200
    assert put(connection, f"{CHUNKS}/2", (b"x" * 25_000 for _ in range(4)), {}) == 201
    assert (stored(data_dir, 1), stored(data_dir, 2)) == ([100_000], [100_000])


@pytest.mark.parametrize(
    "head_and_body",
    [
        b"Content-Length: 100000\r\n\r\n" + b"x" * 5_000,
        b"Transfer-Encoding: chunked\r\n\r\n2710\r\n" + b"x" * 5_000,
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\nzz\r\n\r\n",
    ],
    ids=["length", "inside a piece", "between pieces", "malformed"],
)
def test_a_connection_that_breaks_stores_nothing(
    address: tuple[str, int], data_dir: Path, head_and_body: bytes
) -> None:
    with socket.create_connection(address, timeout=30) as uploader:
        line = f"PUT {CHUNKS}/7?meeting_id=m1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n".encode()
        uploader.sendall(line + head_and_body)
        uploader.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: uploader.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"incomplete-body" in answer
    assert stored(data_dir, 7) == []


def test_an_endless_body_is_refused_without_being_read(address: tuple[str, int], data_dir: Path) -> None:
    with socket.create_connection(address, timeout=30) as uploader:
        line = f"PUT {CHUNKS}/8?meeting_id=m1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n".encode()
        uploader.sendall(line + f"Content-Length: {LIMIT + 1}\r\n\r\n".encode())
        assert uploader.recv(65_536).startswith(b"HTTP/1.1 413 ")
    assert stored(data_dir, 8) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/streams/%2E%2E%2Fx/chunks/0", 400), (f"{CHUNKS}/abc", 400), ("/x%2Fy", 404)],
)
def test_odd_paths_are_problems_behind_a_real_server_too(
    connection: http.client.HTTPConnection, path: str, status: int
) -> None:
    connection.request("PUT", f"{path}?meeting_id=m1", body=b"", headers={"Authorization": "Bearer t"})
    answer = connection.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_as_many_names_as_are_allowed_pass_the_server(connection: http.client.HTTPConnection) -> None:
    names = ",".join(chr(0x4E00 + n) * 41 for n in range(16))  # 1,983 bytes, nearly 6,000 in the query
    query = f"meeting_id=m1&channels=separate&channel_speakers={quote(names)}"
    connection.request("PUT", f"/v1/streams/c9/chunks/1?{query}", body=b"x", headers={"Authorization": "Bearer t"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()[:1]) == (201, b"{")


@pytest.mark.parametrize(
    ("query", "header", "status"), [("x" * 7_500, "", 414), ("", "x" * 7_500, 431)], ids=["query", "header"]
)
def test_what_is_too_long_is_a_problem_before_the_server_refuses_it(
    connection: http.client.HTTPConnection, query: str, header: str, status: int
) -> None:
    headers = {"Authorization": "Bearer t", "X-Any": header}
    connection.request("PUT", f"{CHUNKS}/9?meeting_id=m1&language={query}", body=b"", headers=headers)
    answer = connection.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_wrong_settings_end_the_process_with_one_line_each(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from ingest_service.bootstrap import application; application()"],
        env={
            **os.environ,
            "DATA_DIR": str(tmp_path),
            "MAX_CHUNK_BYTES": "lots",
            "API_TOKEN": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "API_TOKEN",
        "MAX_CHUNK_BYTES",
    ]
