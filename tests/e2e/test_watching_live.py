"""A meeting watched live at the local runner: real processes and HTTP; in Whisper's place stands a script.

One reader is a process that is killed in the middle and continued by hand from the last id that it printed. Another one is the SDK,
which goes through a restart of the server under its feet. Both must have had every final segment.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import urllib3

from tests.e2e.conftest import READY_S, completed, demo_environment, new_stream
from tests.e2e.playing import CHUNK_MS
from tests.transcribe_service.live.page import Event, Page, parsed
from tests.transcribe_service.whisper.whisper_server import scripted_whisper
from tests.waiting import until
from turnscribe.client import Client, Stream
from turnscribe.demo.command import CONVERSATION
from turnscribe.demo.recording import load_recording
from turnscribe.errors import NotFound
from turnscribe.live_events import SegmentNow
from turnscribe.local_server import LocalServer, free_port
from turnscribe.watch_views import Watched

pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]
CHUNKS = 12
READER = """
import sys, urllib3
answer = urllib3.request("GET", sys.argv[1], headers={"Authorization": "Bearer " + sys.argv[2]}, preload_content=False)
while piece := answer.read1():
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
"""


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    with scripted_whisper() as whisper:
        own = {
            "WHISPER_SERVICE_URL": whisper.url,
            "TRANSCRIBER_STEP_SEC": "2",
            "SPEAKER_WAIT_SEC": "0.5",
            "LIVE_READERS": "4",
        }
        yield demo_environment() | own


class Reader:
    """A process that reads live events, until it is killed."""

    def __init__(self, url: str, token: str, meeting_id: str) -> None:
        command = [sys.executable, "-c", READER, f"{url}/v1/meetings/{meeting_id}/live", token]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._sent = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    @property
    def events(self) -> list[Event]:
        """Those that have come whole."""
        return parsed(self._sent[: self._sent.rfind(b"\n\n") + 2])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        if self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> None:
        out = self._process.stdout
        while out and (piece := out.read1()):  # type: ignore[attr-defined]  # a BufferedReader
            self._sent += piece


def put(stream: Stream, chunks: slice) -> None:
    recording = load_recording(CONVERSATION, CHUNK_MS)
    for piece in recording.pieces[chunks]:
        stream.put_chunk(piece.seq, recording.bytes_of(piece), captured_at_ms=1_750_000_000_000 + (piece.end_ms or 0))


def come_back(page: Page, server: LocalServer, meeting_id: str, finals: set[str]) -> None:
    """Go on behind the last id, until the page has these segments as final ones."""
    headers = {"Authorization": f"Bearer {server.token}", "Last-Event-ID": page.last_event_id}
    answer = urllib3.request(
        "GET", f"{server.url}/v1/meetings/{meeting_id}/live", headers=headers, preload_content=False, timeout=30
    )
    assert answer.headers["Cache-Control"] == "no-store"
    sent = b""
    while not finals <= {each["segment_id"] for each in page.utterances if each["final"]}:
        sent += answer.read1()
        whole, _, sent = sent.rpartition(b"\n\n")
        for event in parsed(whole):
            page.take(event)
    answer.close()


def test_a_killed_reader_and_a_restarted_server_cost_no_reader_a_segment(
    environ: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    with LocalServer(tmp_path, port, environ) as server:
        server.wait_until_ready(READY_S)
        with Client(server.url, server.token) as client:
            stream = new_stream(client, load_recording(CONVERSATION, CHUNK_MS).content_type)
            put(stream, slice(CHUNKS // 2))

            def is_known() -> bool:
                try:
                    return bool(client.transcript(stream.meeting_id).streams)
                except NotFound:
                    return False

            until(is_known, "the meeting is known")
            killed = Reader(server.url, server.token, stream.meeting_id)
            until(lambda: any(each.name == "segment" for each in killed.events), "a segment came")
            killed.kill()
        page = Page()
        for event in killed.events:
            page.take(event)
    watched = Watched()
    with Client(server.url, server.token) as client:
        following = client.live(stream.meeting_id, last_event_id=page.last_event_id)
        with LocalServer(tmp_path, port, environ) as server:
            server.wait_until_ready(READY_S)
            for event in islice(following, 1):  # the second process knows the id of the first
                watched.take(event)
        with LocalServer(tmp_path, port, environ) as server, following:
            server.wait_until_ready(READY_S)
            put(stream, slice(CHUNKS // 2, CHUNKS))
            stream.end(CHUNKS - 1)
            transcript = completed(client, stream.meeting_id)
            finals = {each["segment_id"] for each in transcript["utterances"]}
            assert len(finals) > 1
            come_back(page, server, stream.meeting_id, finals)
            told = set[str]()
            for event in following:
                watched.take(event)
                if isinstance(event, SegmentNow) and event.final:
                    told.add(event.segment_id)
                if watched.is_all_there and finals <= told:
                    break
    assert "reset" not in page.names
    positions = [each.partition("-")[0] for each in page.ids]
    assert positions == sorted(positions)
    assert page.utterances == transcript["utterances"]
    assert [each.text for each in watched.utterances] == [each["text"] for each in transcript["utterances"]]
