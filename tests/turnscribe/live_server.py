"""A server of live events by script: pieces of answers, and connections that break in the middle of one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.quiet_server import QuietServer

MEETING = {"meeting_id": "m", "complete": False, "streams": [], "epoch_ms": 0}


def sent(event_id: str, name: str, **data: Any) -> bytes:
    """An event."""
    return f"id: {event_id}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


def segment(event_id: str, segment_id: str, text: str, *, final: bool = True, start_ms: int = 0) -> bytes:
    """A segment with one utterance."""
    times = {"start_ms": start_ms, "end_ms": start_ms + 900}
    of = {"connection_id": "c", "segment_id": segment_id, "final": final}
    said = {"text": text, "speaker": "Ada", "words": [], **times, **of}
    return sent(event_id, "segment", channel=0, revision=1, utterances=[said], **times, **of)


class LiveScript:
    """`answers` are given one after the other: a status with headers, or the pieces of a stream; after the last piece it breaks or ends."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[tuple[int, dict[str, str], list[bytes]]] = []
        self.came_with: list[str | None] = []
        """The Last-Event-ID of each request."""

    def streams(self, *pieces: bytes, breaks: bool = False) -> None:
        """An answer of these pieces; `breaks`: without its proper end."""
        self.answers.append((200, {"breaks": "yes"} if breaks else {}, list(pieces)))

    def refuses(self, status: int, **headers: str) -> None:
        """An answer without a stream."""
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, []))


@contextmanager
def live_script() -> Iterator[LiveScript]:
    """The server."""
    script = LiveScript()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            script.came_with.append(self.headers.get("Last-Event-ID"))
            status, headers, pieces = script.answers.pop(0) if script.answers else (404, {}, [])
            breaks = headers.pop("breaks", "") == "yes"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 200:
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in pieces:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            if breaks:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    with QuietServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
