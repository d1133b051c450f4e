"""A receiver of pushes that records what it gets and answers as the test says: any status, late, or never."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from common.push import Pushed, parse_push

PATIENCE_S = 20.0
"""A test that waits longer has failed."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    after: threading.Event | None = None
    """Answer only when this is set."""


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: tuple[str, int]
    """The sender's address: the same for requests on one connection."""

    @property
    def pushed(self) -> Pushed:
        return parse_push(dict(self.headers), self.body)


class PushReceiver:
    """Listens on a free port of 127.0.0.1 while the `with` block lasts. Answers 204 where no answer is set."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._received: list[Received] = []
        self._answers: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self._always: dict[str, Answer] = {}
        self._open = 0
        self.most_at_once = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str = "/push/test") -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def answer(self, *answers: Answer | int, path: str = "/push/test") -> None:
        """Answer the next requests to `path` so, one after the other."""
        with self._changed:
            self._answers[path].extend(Answer(each) if isinstance(each, int) else each for each in answers)

    def always_answer(self, answer: Answer | int, path: str = "/push/test") -> None:
        with self._changed:
            self._always[path] = Answer(answer) if isinstance(answer, int) else answer

    def received(self, path: str = "/push/test") -> list[Received]:
        with self._changed:
            return [each for each in self._received if each.path == path]

    def wait_for(self, count: int, path: str = "/push/test") -> list[Received]:
        """Wait until `count` requests to `path` have come, and return all of them."""
        self.wait_until(lambda: len([each for each in self._received if each.path == path]) >= count)
        return self.received(path)

    def wait_until(self, happened: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(happened, PATIENCE_S), "the expected pushes did not come"

    def _record(self, received: Received) -> Answer:
        with self._changed:
            self._received.append(received)
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
            answers = self._answers[received.path]
            self._changed.notify_all()
            return answers.popleft() if answers else self._always.get(received.path, Answer())

    def _answered(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- `self` is the handler below
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver._record(Received(self.path, dict(self.headers), body, self.client_address))
                try:
                    if answer.after is not None:
                        answer.after.wait(PATIENCE_S)
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    if answer.status >= 200 and answer.status != 204:
                        self.send_header("Content-Length", "0")
                    self.end_headers()
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the sender gave up waiting, as some tests want
                finally:
                    receiver._answered()

            def log_message(self, *_args: object) -> None:
                pass

        return Handler
