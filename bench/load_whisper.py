"""A Whisper stand-in in a process of its own: it answers as late as one does, so many calls at a time, and 429 beyond its queue.

    python -m bench.load_whisper --port PORT [--workers 16] [--queue 8] [--call-sec 0.6] [--audio-factor 0.05]

A call takes `--call-sec`, and `--audio-factor` seconds for each second of audio, from its turn on. Turns, queue and `Retry-After` are
those of the real server (`whisper_service.admission`). It says 150 words a minute. `GET /v1/stats` counts, `GET /health/ready` is 200.
"""

import argparse
import json
import signal
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import msgspec

from bench.cost_whisper import answer, flac_seconds
from common.clock import SystemClock
from common.errors import Backpressure
from whisper_service.admission import Admission

CALL_SEC: Final = 0.6
AUDIO_FACTOR: Final = 0.05
WORKERS: Final = 16
QUEUE: Final = 8
_BACKLOG: Final = 256


class Latency(msgspec.Struct, frozen=True):
    """How long a call takes."""

    call_s: float
    audio_factor: float

    def of(self, audio_s: float) -> float:
        """Seconds, for so many seconds of audio."""
        return self.call_s + self.audio_factor * audio_s


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = _BACKLOG


def server(port: int, admission: Admission, latency: Latency) -> ThreadingHTTPServer:
    """Listens on 127.0.0.1:`port`; `serve_forever` answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            audio_s = flac_seconds(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                with admission.admitted() as ticket:
                    time.sleep(latency.of(audio_s))
                    ticket.audio_seconds = audio_s
            except Backpressure as busy:
                self._send(
                    429, {"error": {"message": str(busy)}}, {"Retry-After": str(max(1, round(busy.retry_after_s)))}
                )
                return
            self._send(200, answer(audio_s))

        def do_GET(self) -> None:
            if self.path == "/v1/stats":
                self._send(200, msgspec.to_builtins(admission.work_done()))
            else:
                self._send(200, {"status": "ready"})

        def _send(self, status: int, content: object, headers: Mapping[str, str] | None = None) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    return _Server(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True, help="port of 127.0.0.1")
    parser.add_argument("--workers", type=int, default=WORKERS, help="calls at a time")
    parser.add_argument("--queue", type=int, default=QUEUE, help="calls that may wait; beyond: 429")
    parser.add_argument("--call-sec", type=float, default=CALL_SEC, help="seconds of every call")
    parser.add_argument("--audio-factor", type=float, default=AUDIO_FACTOR, help="seconds for each second of audio")
    asked = parser.parse_args()
    admission = Admission(workers=asked.workers, queue=asked.queue, clock=SystemClock())
    serving = server(asked.port, admission, Latency(asked.call_sec, asked.audio_factor))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=serving.shutdown).start())
    serving.serve_forever()
    serving.server_close()


if __name__ == "__main__":
    main()
