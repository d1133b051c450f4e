"""Whoever stores the segments that `bench.live` watches: in the server, by a push and a Whisper that answers at once, or elsewhere."""

import base64
import json
import os
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import urllib3

from common.adapters.backend import backend_of
from common.clock import SystemClock
from common.events import SegmentReady, StreamOptions, Turn, to_message
from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import SegmentTranscript, Word
from common.settings import load
from common.topology import topology
from transcribe_service.settings import TranscribeSettings

SEGMENT_MS: Final = 10_000
EPOCH_MS: Final = 1_750_000_000_000
CONNECTION: Final = "bench"
_WORDS: Final = ("so", "then", "we", "measured", "it", "again", "and", "wrote", "it", "down") * 3
_STEP_MS: Final = SEGMENT_MS // (len(_WORDS) + 1)
TENANT: Final = "default"


class Writer:
    """Built in the process that `environ` was set for. One segment at a time."""

    def __init__(self) -> None:
        self._settings = settings = load(TranscribeSettings, os.environ)
        backend = backend_of(settings, "/turnscribe/bench", SystemClock())
        self._blobs, self._streams, self._transcripts = backend.blobs(), backend.streams(), backend.transcripts()
        self._meetings = backend.meetings()
        self._pool = urllib3.PoolManager(retries=False, timeout=60.0)
        self._push_token = settings.push_token.reveal()

    def make_topics(self) -> None:
        """Where the emulator stands in for Pub/Sub: it remembers none."""
        from local_cloud.pubsub_bootstrap import create_topics

        create_topics(self._settings.google_cloud_project, self._settings.pubsub_prefix, topology().topics)

    def prepare(self, meeting_id: str, history: int) -> str:
        """Open the meeting, with so many segments; returns the last one's id."""
        self._meetings.open(TENANT, meeting_id, EPOCH_MS)
        record = StreamRecord(
            tenant=TENANT, meeting_id=meeting_id, connection_id=f"{CONNECTION}-{meeting_id}", opened_at_ms=EPOCH_MS
        )
        self._streams.open(record)
        for number in range(history):
            self.store(meeting_id, number)
        return segment_id(meeting_id, history - 1)

    def store(self, meeting_id: str, number: int) -> float:
        """Store a segment past the server; returns when it was durable."""
        start_ms = number * SEGMENT_MS
        words = tuple(
            Word(text, start_ms + at * _STEP_MS, start_ms + at * _STEP_MS + 200, 0.9, "Ada", confirmed=True)
            for at, text in enumerate(_WORDS)
        )
        self._transcripts.put(
            SegmentTranscript(
                tenant=TENANT,
                meeting_id=meeting_id,
                connection_id=f"{CONNECTION}-{meeting_id}",
                segment_id=segment_id(meeting_id, number),
                channel=0,
                revision=1,
                final=True,
                start_ms=start_ms,
                end_ms=start_ms + SEGMENT_MS,
                epoch_offset_ms=EPOCH_MS,
                language="en",
                words=words,
            )
        )
        return time.monotonic()

    def push(self, meeting_id: str, number: int, port: int) -> float:
        """Have the server at `port` transcribe and store it; returns when Whisper had answered, which is before it was durable."""
        start_ms = number * SEGMENT_MS
        event = SegmentReady(
            tenant=TENANT,
            meeting_id=meeting_id,
            connection_id=f"{CONNECTION}-{meeting_id}",
            segment_id=segment_id(meeting_id, number),
            channel=0,
            revision=1,
            final=True,
            start_ms=start_ms,
            end_ms=start_ms + SEGMENT_MS,
            padding_ms=200,
            object_name=f"segments/bench/{meeting_id}/{number}",
            epoch_offset_ms=EPOCH_MS,
            turns=(Turn("Ada", start_ms, start_ms + SEGMENT_MS),),
            options=StreamOptions(),
        )
        self._blobs.create(event.object_name, b"fLaC" + bytes(100_000))
        message = to_message(event, source="/bench", now_ms=SystemClock().now_ms())
        attributes = dict(message.attributes)
        told = {"data": base64.b64encode(message.data).decode(), "attributes": attributes, "messageId": str(number)}
        answer = self._pool.request(
            "POST",
            f"http://127.0.0.1:{port}/push/segments",
            body=json.dumps({"message": told, "subscription": "segments"}),
            headers={"Authorization": f"Bearer {self._push_token}", "Content-Type": "application/json"},
        )
        if answer.status != 204:
            raise SystemExit(f"the server answered a push {answer.status}: {answer.data[:500]!r}")
        return _Whisper.answered_s


def segment_id(meeting_id: str, number: int) -> str:
    """Of the meeting's only connection."""
    return f"{CONNECTION}-{meeting_id}:0:{number * SEGMENT_MS}"


class _Whisper(BaseHTTPRequestHandler):
    """Answers at once, and remembers when."""

    protocol_version = "HTTP/1.1"
    answered_s = 0.0
    answer = json.dumps(
        {
            "task": "transcribe",
            "language": "en",
            "duration": SEGMENT_MS / 1000,
            "text": " ".join(_WORDS),
            "words": [
                {
                    "word": text,
                    "start": 0.2 + at * _STEP_MS / 1000,
                    "end": 0.4 + at * _STEP_MS / 1000,
                    "probability": 0.9,
                }
                for at, text in enumerate(_WORDS)
            ],
        }
    ).encode()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)
        _Whisper.answered_s = time.monotonic()

    def log_message(self, *_arguments: Any) -> None:
        pass


_writer: Writer | None = None


def begin(environ: Mapping[str, str], whisper_port: int) -> None:
    """What the writer's process does first."""
    os.environ.update(environ)
    server = ThreadingHTTPServer(("127.0.0.1", whisper_port), _Whisper)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()


def call(name: str, *arguments: Any) -> Any:
    """A method of the writer of this process."""
    global _writer
    if _writer is None:
        _writer = Writer()
    return getattr(_writer, name)(*arguments)
