"""Transcribe's two roles on the emulators, each in a process of its own: one is pushed to, the other one is asked. In Whisper's place, a script."""

import json
from collections.abc import Iterator

import pytest
import urllib3

from local_cloud.stack import Stack
from tests.e2e.conftest import START_MS, completed, demo_environment, new_stream
from tests.e2e.playing import CHUNK_MS
from tests.transcribe_service.delivery.receiving_server import Receiving, receiving
from tests.transcribe_service.whisper.whisper_server import scripted_whisper
from tests.waiting import until
from turnscribe.client import Client, Stream
from turnscribe.demo.command import CONVERSATION
from turnscribe.demo.recording import load_recording
from turnscribe.errors import NotFound
from turnscribe.live_events import MeetingReset, SegmentNow

pytestmark = [pytest.mark.component("emulators"), pytest.mark.slow, pytest.mark.timeout(300)]
SETTINGS = {
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1",
    "TRANSCRIBER_STEP_SEC": "60",
    "SPEAKER_WAIT_SEC": "0.5",
    "WEBHOOK_ALLOW_PRIVATE": "true",
}
CHUNKS = 12


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with scripted_whisper() as whisper:
        environ = demo_environment() | SETTINGS | {"WHISPER_SERVICE_URL": whisper.url}
        with Stack(tmp_path_factory.mktemp("stack"), environ) as running:
            yield running


def asked(stack: Stack, method: str, service: str, path: str) -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {stack.api_token}"}
    return urllib3.request(method, stack.urls[service] + path, headers=headers, retries=False, timeout=60)


def put(stream: Stream, chunks: slice) -> None:
    recording = load_recording(CONVERSATION, CHUNK_MS)
    for piece in recording.pieces[chunks]:
        stream.put_chunk(piece.seq, recording.bytes_of(piece), captured_at_ms=START_MS + (piece.end_ms or 0))


def types_told(receiver: Receiving) -> list[str]:
    return [json.loads(request.partition(b"\r\n\r\n")[2])["type"] for request in list(receiver.requests)]


def test_nothing_is_pushed_to_the_api_and_nobody_reads_at_the_worker(stack: Stack) -> None:
    for path in ("/push/transcribe", "/push/delivery", "/push/dead-letters", "/sweep", "/sweep/lifecycle"):
        assert asked(stack, "POST", "api", path).status == 404
    for path in ("/", "/openapi.json", "/v1/meetings", "/v1/search?q=x", "/v1/deadletters"):
        assert asked(stack, "GET", "transcribe", path).status == 404
        assert asked(stack, "GET", "api", path).status == 200
    assert asked(stack, "POST", "transcribe", "/sweep/lifecycle").status == 200
    assert {asked(stack, "GET", name, "/health/ready").status for name in ("transcribe", "api")} == {200}
    assert stack.read_url == stack.urls["api"] != stack.urls["transcribe"]


def test_what_the_worker_stores_is_read_and_seen_live_at_the_api(stack: Stack) -> None:
    with (
        receiving() as receiver,
        Client(stack.ingest_url, stack.api_token) as uploads,
        Client(stack.read_url, stack.api_token) as reads,
    ):
        webhook = reads.webhooks.create(receiver.url)
        assert reads.webhooks.test(webhook.id).delivered
        assert types_told(receiver) == ["ping"]
        stream = new_stream(uploads, load_recording(CONVERSATION, CHUNK_MS).content_type)
        put(stream, slice(1))

        def is_known() -> bool:
            try:
                return bool(reads.transcript(stream.meeting_id).streams)
            except NotFound:
                return False

        until(is_known, "the meeting is known")
        with reads.live(stream.meeting_id) as events:
            put(stream, slice(1, CHUNKS))
            stream.end(CHUNKS - 1)
            transcript = completed(reads, stream.meeting_id)
            finals = {each["segment_id"] for each in transcript["utterances"]}
            told = set[str]()
            for event in events:
                assert not isinstance(event, MeetingReset)
                if isinstance(event, SegmentNow) and event.final:
                    told.add(event.segment_id)
                if finals <= told:
                    break
        assert len(finals) > 1
        until(lambda: types_told(receiver).count("transcript.segment") == len(finals), "the worker delivers")
        until(lambda: "meeting.completed" in types_told(receiver), "and says that it is complete")
