"""Servers of the tests' own in Cloud Storage's place: one that answers as it is told, one that passes on to the emulator."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import urllib3


@dataclass(frozen=True)
class Answer:
    """What is sent. With a `length` the answer claims that many bytes, and the connection ends after the body, once `hold` is set."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    hold: threading.Event | None = None


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # connections of all threads at once; those beyond it would wait for a second


class StorageServer:
    """Answers each request with `answer(method, path, headers, body)`; with nothing, and the connection closed, where that is None.

    It counts `connections` and keeps the `requests`, each as method and path. Use as a context manager.
    """

    def __init__(self, answer: Callable[[str, str, Mapping[str, str], bytes], Answer | None]) -> None:
        self.requests: list[tuple[str, str]] = []
        self.connections = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server.connections += 1

            def _answer(self) -> None:
                server.requests.append((self.command, self.path))
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                given = answer(self.command, self.path, dict(self.headers), body)
                if given is None:
                    self.close_connection = True
                    return
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(given.body) if given.length is None else given.length))
                self.end_headers()
                self.wfile.write(given.body)
                if given.hold is not None:
                    given.hold.wait(30)
                self.close_connection = given.length is not None

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Proxy(StorageServer):
    """Passes on to the server at `url`. While `is_losing` the request is passed on too, and its answer is lost. While `forbids_uploads`
    uploads are answered 403, as Cloud Storage does to who may not overwrite, or not create.
    """

    def __init__(self, url: str) -> None:
        self.is_losing = False
        self.forbids_uploads = False
        super().__init__(self._pass_on)
        self._to = url

    def _pass_on(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        if self.forbids_uploads and path.startswith("/upload/"):
            return Answer(403, b'{"error": {"code": 403, "message": "no storage.objects.delete access to the object"}}')
        kept = {name: value for name, value in headers.items() if name.lower() in {"content-type", "x-goog-hash"}}
        found = urllib3.request(method, self._to + path, headers=kept, body=body, retries=False, timeout=10)
        if self.is_losing:
            return None
        sent = {name: found.headers[name] for name in ("Content-Type", "X-Goog-Hash") if name in found.headers}
        return Answer(found.status, found.data, sent)
