"""A Whisper that says the same of the same audio, at once, and that can be down in four ways."""

import hashlib
import io
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Final, Literal, Self

import soundfile

from tests.quiet_server import QuietServer
from tests.transcribe_service.whisper.whisper_server import multipart_fields

Fault = Literal["refused", "hanging", "failing", "saturated"]
FAULTS: Final[tuple[Fault, ...]] = ("refused", "hanging", "failing", "saturated")
LONGEST_HANG_S: Final = 600.0


class WhisperFront:
    """On a port of 127.0.0.1 that stays ours while nobody listens on it. Use as a context manager."""

    def __init__(self) -> None:
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port.bind(("127.0.0.1", 0))  # never listens
        self.url = f"http://127.0.0.1:{self._port.getsockname()[1]}"
        self._fault: Fault | None = None
        self._well = threading.Event()
        self._server: QuietServer | None = None
        self._thread: threading.Thread | None = None
        self.answered = 0
        self.failed = 0
        """Requests that got no transcription; of those that were refused nobody knows."""

    def __enter__(self) -> Self:
        self.heal()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._well.set()
        self._stop_listening()
        self._port.close()

    def fail(self, fault: Fault) -> None:
        """Be down from now on."""
        self._fault = fault
        self._well.clear()
        if fault == "refused":
            self._stop_listening()

    def heal(self) -> None:
        """Answer from now on. Requests that hang are cut off."""
        self._fault = None
        self._well.set()
        if self._server is None:
            self._listen()

    def _listen(self) -> None:
        front = self

        class Server(QuietServer):
            allow_reuse_port = True

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fault = front._fault
                if fault is None:
                    audio = multipart_fields(self.headers["Content-Type"], body)["file"][0]
                    front.answered += 1
                    self._answer(200, transcription_of(audio))
                    return
                front.failed += 1
                self.close_connection = True
                match fault:
                    case "hanging":
                        front._well.wait(LONGEST_HANG_S)
                    case "saturated":
                        self._answer(429, b"{}", {"Retry-After": "1"})
                    case "failing":
                        self._answer(500, b"{}")
                    case "refused":  # on a connection from before: it ends
                        return

            def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = Server(("127.0.0.1", self._port.getsockname()[1]), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def _stop_listening(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = None


def transcription_of(flac: bytes) -> bytes:
    """Two words a second, which the audio alone decides."""
    seconds = soundfile.info(io.BytesIO(flac)).duration
    names = hashlib.shake_128(flac).hexdigest(400)
    words = [
        {"word": f"w{names[4 * at : 4 * at + 4]}", "start": at / 2, "end": at / 2 + 0.4, "probability": 0.9}
        for at in range(max(1, min(100, int(2 * seconds))))
    ]
    text = " ".join(str(word["word"]) for word in words)
    span = {"start": 0.0, "end": seconds, "text": text, "avg_logprob": -0.2, "no_speech_prob": 0.01}
    return json.dumps({"text": text, "language": "en", "words": words, "segments": [span]}).encode()
