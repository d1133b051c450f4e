"""A WebSocket server that a test tells what to do with each connection, one after the other."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

Conversation = Callable[["Talk"], None]


@dataclass
class Talk:
    """One connection, seen from the server."""

    ws: ServerConnection
    chunks: dict[int, bytes]

    def say(self, **message: object) -> None:
        self.ws.send(json.dumps(message))

    def ready(self) -> None:
        free_seq = len(self.chunks)
        self.say(type="ready", next_seq=free_seq, missing=[], free_seq=free_seq)

    def hear(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.ws.recv(timeout=30))
        if said["type"] == "chunk":
            said["data"] = self.ws.recv(timeout=30)
        return said

    def take(self, count: int) -> None:
        """Store and acknowledge so many chunks."""
        for _ in range(count):
            said = self.hear()
            assert self.chunks.setdefault(said["seq"], said["data"]) == said["data"]
            self.say(type="ack", seq=said["seq"], next_seq=said["seq"] + 1)

    def take_end(self) -> None:
        said = self.hear()
        assert said["type"] == "end"
        self.say(type="ended", last_seq=said["last_seq"])
        self.ws.close(1000)

    def refuse(self, status: int, code: int, **members: object) -> None:
        self.say(type="problem", problem={"type": "urn:x", "title": "T", "status": status, "detail": "D", **members})
        self.ws.close(code)


@dataclass
class ScriptedSockets:
    """`script` has for each connection what is done with it: a status (with headers and body), or a conversation."""

    url: str = ""
    script: list[tuple[int, dict[str, str], bytes] | Conversation] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    chunks: dict[int, bytes] = field(default_factory=dict)


@contextmanager
def scripted_sockets() -> Iterator[ScriptedSockets]:
    server = ScriptedSockets()

    def before(_ws: ServerConnection, request: Request) -> Response | None:
        server.requests.append(request)
        step = server.script[0]
        if not isinstance(step, tuple):
            return None
        server.script.pop(0)
        status, headers, body = step
        return Response(status, HTTPStatus(status).phrase, Headers(headers | {"Content-Length": str(len(body))}), body)

    def talk(ws: ServerConnection) -> None:
        step = server.script.pop(0)
        assert callable(step)
        with contextlib.suppress(ConnectionClosed):  # the client has gone
            step(Talk(ws, server.chunks))

    with serve(talk, "127.0.0.1", 0, process_request=before, compression=None, close_timeout=1) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        server.url = f"http://127.0.0.1:{running.socket.getsockname()[1]}"
        yield server
        running.shutdown()
        thread.join()
