"""A server that answers as Whisper does, at once: what is measured around it has Whisper's own time taken out.

What it says is told by whoever makes one; two words without that.
"""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

_TWO_WORDS = {
    "task": "transcribe",
    "language": "en",
    "duration": 1.0,
    "text": " one two",
    "segments": [
        {
            "id": 0,
            "seek": 0,
            "start": 0.3,
            "end": 0.9,
            "text": " one two",
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": -0.1,
            "compression_ratio": 1.0,
            "no_speech_prob": 0.01,
        }
    ],
    "words": [
        {"word": " one", "start": 0.3, "end": 0.6, "probability": 0.9},
        {"word": " two", "start": 0.6, "end": 0.9, "probability": 0.9},
    ],
}


class WhisperStandIn:
    """On a free port of 127.0.0.1; answers each form that it is sent with what `heard` makes of it. Use as a context manager."""

    def __init__(self, heard: Callable[[bytes], Mapping[str, Any]] = lambda _: _TWO_WORDS) -> None:
        self._heard = heard
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"]))
                self._send(*stand_in.answer(self.path, self.headers["Content-Type"], form))

            def do_GET(self) -> None:
                self._send(200, b'{"status": "ready"}')

            def _send(self, status: int, answer: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, content_type: str, form: bytes) -> tuple[int, bytes]:  # noqa: ARG002 -- for those that ask another
        """Status and body of the answer to a form."""
        return 200, json.dumps(self._heard(form)).encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
