"""A small faithful tus server in memory, over real sockets, with faults at the requests that a test names.

Creation is by Idempotency-Key, as at ingest. Bytes of a request that breaks off are kept, as the protocol allows: the most that a
client may meet.
"""

import base64
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.quiet_server import QuietServer


@dataclass(frozen=True)
class Fault:
    """What happens to one request. `keep_bytes` of a body are stored before the connection breaks; None breaks it after all of it."""

    status: int = 0
    """0: the connection is closed without an answer."""
    keep_bytes: int | None = 0
    retry_after: str = ""
    forget: bool = False
    """The server loses all uploads and answers as it then must."""


@dataclass
class Upload:
    length: int
    metadata: dict[str, str]
    data: bytearray = field(default_factory=bytearray)
    observations: list[bytes] = field(default_factory=list)
    """Of speakers: each once."""


@dataclass
class TusServer:
    url: str = ""
    uploads: dict[str, Upload] = field(default_factory=dict)
    faults: dict[int, Fault] = field(default_factory=dict)
    """By the number of the request, from 0."""
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Method and Upload-Offset of each request."""
    absolute_location: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.seen]

    def only(self) -> Upload:
        (upload,) = self.uploads.values()
        return upload


def metadata_of(header: str) -> dict[str, str]:
    pairs = (item.partition(" ") for item in header.split(",") if item)
    return {name: base64.b64decode(value, validate=True).decode() for name, _, value in pairs}


@contextmanager
def tus_server() -> Iterator[TusServer]:
    state = TusServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            with state.lock:
                number = len(state.seen)
                state.seen.append((self.command, self.headers.get("Upload-Offset", "")))
                fault = state.faults.get(number)
            assert self.headers["Tus-Resumable"] == "1.0.0"
            if fault is not None and fault.forget:
                state.uploads.clear()
            elif fault is not None and self._broken(fault):
                return
            getattr(self, f"_{self.command.lower()}")()

        def _broken(self, fault: Fault) -> bool:
            if fault.status:
                self._read(None)
                headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
                self._answer(fault.status, **headers)
                return True
            if self.command == "PATCH":
                upload = state.uploads[self.path.rpartition("/")[2]]
                if int(self.headers["Upload-Offset"]) == len(upload.data):
                    upload.data += self._read(fault.keep_bytes)
            elif fault.keep_bytes is None and self.path == "/v1/uploads":
                self._make()
            self.close_connection = True
            return True

        def _read(self, most: int | None) -> bytes:
            left = int(self.headers.get("Content-Length", 0))
            return self.rfile.read(left if most is None else min(left, most))

        def _make(self) -> str:
            key = self.headers["Idempotency-Key"]
            metadata = metadata_of(self.headers["Upload-Metadata"])
            state.uploads.setdefault(key, Upload(int(self.headers["Upload-Length"]), metadata))
            return key

        def _observed(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            body = self._read(None)
            upload = state.uploads.get(self.path.split("/")[-2])
            if upload is None:
                self._answer(404)
                return
            assert len(upload.data) < upload.length, "speakers come before the end"
            is_new = body not in upload.observations
            if is_new:
                upload.observations.append(body)
            self._answer(201 if is_new else 200)

        def _post(self) -> None:
            if self.path.endswith("/speakers"):
                self._observed()
                return
            assert self.path == "/v1/uploads"
            base = state.url if state.absolute_location else ""
            self._answer(201, Location=f"{base}/v1/uploads/{self._make()}")

        def _head(self) -> None:
            upload = state.uploads.get(self.path.rpartition("/")[2])
            if upload is None:
                self._answer(404)
            else:
                self._answer(200, **{"Upload-Offset": str(len(upload.data)), "Upload-Length": str(upload.length)})

        def _patch(self) -> None:
            assert self.headers["Content-Type"] == "application/offset+octet-stream"
            body = self._read(None)
            upload = state.uploads.get(self.path.rpartition("/")[2])
            if upload is None:
                self._answer(404)
            elif int(self.headers["Upload-Offset"]) != len(upload.data):
                self._answer(409)
            elif len(body) != int(self.headers["Content-Length"]):
                upload.data += body
                self.close_connection = True
            else:
                upload.data += body
                self._answer(204, **{"Upload-Offset": str(len(upload.data))})

        def _answer(self, status: int, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_PATCH = do_POST = _serve  # noqa: N815 -- http.server's names

        def log_message(self, *args: object) -> None:
            pass

    with QuietServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def offsets_of(server: TusServer) -> Sequence[int]:
    """Where each PATCH began."""
    return [int(offset) for method, offset in server.seen if method == "PATCH"]
