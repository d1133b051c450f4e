"""A Whisper server over real HTTP that answers by script: status, headers, body, or nothing at all."""

import email
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.quiet_server import QuietServer


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b'{"text": "hi", "words": [{"word": "hi", "start": 0.2, "end": 0.5, "probability": 0.9}]}'
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    """Answer only when the test is over."""
    cut_short: bool = False
    """Promise one byte more than there is and close the connection."""


@dataclass
class Received:
    path: str
    authorization: str | None
    fields: dict[str, list[bytes]]
    content_type: str
    body: bytes


class ScriptedWhisper:
    """Plays `replies` in order, and the last one for ever."""

    def __init__(self, url: str, over: threading.Event) -> None:
        self.url = url
        self.over = over
        self.replies: list[Reply] = [Reply()]
        self.received: list[Received] = []

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def multipart_fields(content_type: str, body: bytes) -> dict[str, list[bytes]]:
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields: dict[str, list[bytes]] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields.setdefault(name, []).append(content)
    return fields


@contextmanager
def scripted_whisper() -> Iterator[ScriptedWhisper]:
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.headers["Content-Type"]
            fields = multipart_fields(kind, body) if kind.startswith("multipart/") else {}
            script.received.append(Received(self.path, self.headers["Authorization"], fields, kind, body))
            reply = script.next_reply()
            if reply.hang:
                over.wait(30)
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + reply.cut_short))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = reply.cut_short

        def log_message(self, *_: object) -> None:
            return

    server = QuietServer(("127.0.0.1", 0), Handler)
    script = ScriptedWhisper(f"http://127.0.0.1:{server.server_address[1]}", over)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield script
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
