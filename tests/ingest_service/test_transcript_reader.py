"""The reader against a real server, that answers what it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from common.errors import Retryable
from common.problems import Problem
from ingest_service.transcript_reader import MeetingStatus, StreamAccount, TranscriptReader, Written
from tests.breaking_off import breaking_off, parts_of
from turnscribe.local_server import free_port


class Server(ThreadingHTTPServer):
    """Answers every request with `status` and `body`; keeps what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body = b""
        self.declared: int | None = None
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/vtt")
        self.send_header("Content-Length", str(self.server.declared or len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_described: object) -> None:
        """Silence."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def reader(server: Server) -> Iterator[TranscriptReader]:
    reading = TranscriptReader(f"{server.url}/", connections=1)
    yield reading
    reading.close()


def test_the_status_is_asked_with_the_caller_s_token(server: Server, reader: TranscriptReader) -> None:
    server.body = json.dumps(
        {"meeting_id": "m1", "complete": True, "streams": [{"audio_ms": 5, "quarantined": 1, "gaps": []}]}
    ).encode()
    assert reader.status("secret", "m1") == MeetingStatus(complete=True, streams=(StreamAccount(5, 1),))
    assert server.asked == [("/v1/meetings/m1", "Bearer secret")]


def test_what_is_not_known_yet_is_no_failure(server: Server, reader: TranscriptReader) -> None:
    server.status = 404
    assert reader.status("secret", "m1") is None


def test_the_transcript_is_handed_on_as_it_is_without_live_words(server: Server, reader: TranscriptReader) -> None:
    server.body = b"WEBVTT\n\n"
    assert reader.written("secret", "m1", "vtt") == Written(b"WEBVTT\n\n", "text/vtt")
    assert server.asked == [("/v1/meetings/m1/transcript?format=vtt&provisional=false", "Bearer secret")]


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_may_not_read_there_is_the_caller_s_fault(
    server: Server, reader: TranscriptReader, status: int
) -> None:
    server.status = status
    with pytest.raises(Problem, match="TRANSCRIPT_API_URL") as caught:
        reader.status("secret", "m1")
    assert caught.value.status == status


@pytest.mark.parametrize("status", [302, 429, 500, 503])
def test_other_answers_may_pass(server: Server, reader: TranscriptReader, status: int) -> None:
    server.status = status
    with pytest.raises(Retryable, match=f"status {status}"):
        reader.status("secret", "m1")


def test_nonsense_may_pass(server: Server, reader: TranscriptReader) -> None:
    server.body = b"<html>"
    with pytest.raises(Retryable, match="can't be read"):
        reader.status("secret", "m1")


def test_half_an_answer_may_pass(server: Server, reader: TranscriptReader) -> None:
    server.body, server.declared = b"WEBVTT", 1_000
    with pytest.raises(Retryable, match="ProtocolError"):
        reader.written("secret", "m1", "vtt")


def test_a_server_that_is_away_may_come_back() -> None:
    reading = TranscriptReader(f"http://127.0.0.1:{free_port()}", connections=1)
    with pytest.raises(Retryable, match="NewConnectionError"):
        reading.status("secret", "m1")
    reading.close()


@pytest.mark.parametrize(
    "call",
    [lambda reading: reading.written("token", "m1", "text"), lambda reading: reading.status("token", "m1")],
    ids=["written", "status"],
)
def test_half_an_answer_is_no_transcript(call: Callable[[TranscriptReader], object]) -> None:
    sent = b""
    with breaking_off(lambda: sent) as url, closing(TranscriptReader(url, connections=1)) as reading:
        for sent in parts_of((b"Content-Type: text/plain", b"Cache-Control: no-store"), b"all that was said"):  # noqa: B007 -- the server says it
            with pytest.raises(Retryable):
                call(reading)
