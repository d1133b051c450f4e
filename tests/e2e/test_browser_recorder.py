"""`recorder.js` in a real Chromium: what the microphone heard is in the bucket without a hole, whatever went away meanwhile."""

import io
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser import Pages, chromium
from tests.e2e.conftest import READY_S, completed, demo_environment
from tests.e2e.excerpts import write_excerpt
from tests.ingest_service.websocket.ingest_process import AUTHORIZED, TOKEN, IngestProcess
from turnscribe.client import Client
from turnscribe.local_server import LocalServer, free_port

pytestmark = [pytest.mark.component("chromium"), pytest.mark.slow]

CHUNK_MS = 500
PACKET_MS = 60
"""How much a packet of Chromium's recorder lasts."""
IMPRECISION_MS = 1_500
"""Between what a page takes for the length of a recording and what the recorder takes for it, on a busy machine."""
SPEECH_MS = 9_000
"""The first sentence and a half."""
PAGE = """
<!doctype html>
<script type="module">
  import * as turnscribe from "%(server)s/v1/recorder.js";
  const states = [], problems = [];
  const told = { onstate: (state) => states.push(state), onproblem: (error) => problems.push(String(error)) };
  const options = { server: "%(server)s", token: "%(token)s", meetingId: "m1", chunkMs: %(chunk_ms)d, ...told };
  Object.assign(window, turnscribe, { states, problems, options });
</script>
"""


class Recording:
    """A page that records, as soon as it is opened."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.wait_for_function("window.options")
        self.connection_id: str = page.evaluate(
            "record(options).then((recorder) => Object.assign(window, { recorder, began: performance.now() }).recorder.connection)"
        )
        self._last_state = f"states.filter(({{ connection }}) => connection === '{self.connection_id}').at(-1)"

    def wait_for(self, condition: str) -> None:
        """Until the page was told of a state of this recording that fits."""
        self._page.wait_for_function(f"(({{ chunks, pending, waiting }}) => {condition})({self._last_state} ?? {{}})")

    def lasts_ms(self) -> float:
        """How long it has lasted until now."""
        lasts_ms: float = self._page.evaluate("performance.now() - began")
        return lasts_ms

    def stop(self) -> float:
        """How long it lasted. Everything is sent then."""
        lasted_ms = self.lasts_ms()
        assert self._page.evaluate("recorder.stop()") == {"connection": self.connection_id, "pending": 0}
        return lasted_ms

    def chunks(self) -> int:
        """How many were recorded, by what the page that is open now was told last."""
        seen: int = self._page.evaluate(f"({self._last_state}).chunks")
        return seen

    def problems(self) -> list[str]:
        told: list[str] = self._page.evaluate("problems")
        return told


class DownIngest(IngestProcess):
    """One whose port is closed while it is down."""

    def kill(self) -> None:
        super().kill()
        self._listener.close()

    def start(self) -> Any:
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(self.address)
        return super().start()


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the shipped conversation."""
    path = tmp_path_factory.mktemp("heard") / "conversation.wav"
    write_excerpt(path, "wav")
    return path


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, heard: Path) -> Iterator[BrowserContext]:
    with chromium(tmp_path_factory.mktemp("profile"), heard) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with Pages() as served:
        yield served


def page_for(server: str, token: str) -> str:
    return PAGE % {"server": server, "token": token, "chunk_ms": CHUNK_MS}


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory, pages: Pages) -> Iterator[IngestProcess]:
    with DownIngest(tmp_path_factory.mktemp("ingest"), CORS_ALLOWED_ORIGINS=pages.origin) as running:
        pages.html = page_for(running.url, TOKEN)
        yield running


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalServer]:
    """The services and Whisper in one process, for pages of any origin."""
    own = {"CORS_ALLOWED_ORIGINS": "*", "SPEAKER_DELAY_SEC": "0", "SPEAKER_WAIT_SEC": "2", "TRANSCRIBER_STEP_SEC": "60"}
    with LocalServer(tmp_path, free_port(), demo_environment() | own) as running:
        running.wait_until_ready(READY_S)
        yield running


@pytest.fixture
def page(context: BrowserContext, pages: Pages, ingest: IngestProcess) -> Iterator[Page]:
    opened = context.new_page()
    opened.goto(pages.origin)
    yield opened
    opened.close()


def status(ingest: IngestProcess, context: BrowserContext, connection_id: str) -> dict[str, Any]:
    answer = context.request.get(f"{ingest.url}/v1/streams/{connection_id}", headers=AUTHORIZED)
    assert answer.status == 200
    return json.loads(answer.body())


def check_whole(ingest: IngestProcess, context: BrowserContext, recording: Recording, lasted_ms: float) -> None:
    """All its chunks are there, and they are one recording of that length in which nothing is missing."""
    stored = ingest.stored(recording.connection_id)
    assert sorted(stored) == list(range(recording.chunks()))
    told = status(ingest, context, recording.connection_id)
    assert (told["meeting_id"], told["missing"], told["ended"], told["last_seq"]) == ("m1", [], True, max(stored))
    with av.open(io.BytesIO(b"".join(stored[seq] for seq in sorted(stored)))) as decoded:
        times_ms = [round(1000 * frame.time) for frame in decoded.decode(audio=0) if frame.time is not None]
    assert max(later - earlier for earlier, later in pairwise(times_ms)) <= 2 * PACKET_MS
    assert times_ms[-1] - times_ms[0] == pytest.approx(lasted_ms, abs=IMPRECISION_MS)


def test_a_network_that_goes_away_leaves_no_hole(context: BrowserContext, ingest: IngestProcess, page: Page) -> None:
    recording = Recording(page)
    recording.wait_for("chunks >= 3")
    context.set_offline(True)
    try:
        recording.wait_for("waiting && pending >= 5")
    finally:
        context.set_offline(False)
    recording.wait_for("!waiting && pending <= 1")
    check_whole(ingest, context, recording, recording.stop())
    assert recording.problems() == []


def test_a_server_that_is_killed_leaves_no_hole(context: BrowserContext, ingest: IngestProcess, page: Page) -> None:
    recording = Recording(page)
    recording.wait_for("chunks >= 3")
    ingest.kill()
    recording.wait_for("waiting && pending >= 5")
    ingest.start()
    recording.wait_for("!waiting && pending <= 1")
    check_whole(ingest, context, recording, recording.stop())
    assert recording.problems() == []


def test_a_page_that_is_reloaded_goes_on_with_what_it_left(
    context: BrowserContext, ingest: IngestProcess, page: Page
) -> None:
    first = Recording(page)
    context.route("**/v1/streams/**", lambda route: route.abort())
    first.wait_for("waiting && pending >= 3 && chunks >= 5")
    first_lasted_ms = first.lasts_ms()
    page.reload()
    context.unroute("**/v1/streams/**")
    second = Recording(page)
    first.wait_for("pending === 0")
    second.wait_for("chunks >= 3")
    check_whole(ingest, context, second, second.stop())
    check_whole(ingest, context, first, first_lasted_ms)
    assert second.problems() == []


@pytest.mark.component("whisper")
def test_what_the_microphone_hears_is_read_in_the_transcript(context: BrowserContext, local: LocalServer) -> None:
    """The whole stack, with the real Whisper; who speaks, the page says once a second."""
    with Pages(page_for(local.url, local.token)) as pages, closing(context.new_page()) as page:
        page.goto(pages.origin)
        recording = Recording(page)
        page.evaluate("window.telling = setInterval(() => recorder.speakers([['Chair', '1111111111']]), 1000)")
        recording.wait_for(f"chunks >= {SPEECH_MS // CHUNK_MS}")
        page.evaluate("clearInterval(telling)")
        recording.stop()
        assert recording.problems() == []
    with Client(local.url, local.token) as client:
        transcript = completed(client, "m1")
        said = client.transcript_text("m1", "text").lower()
    (stream,) = transcript["streams"]
    assert (stream["gaps"], stream["quarantined"]) == ([], 0)
    assert "thank you for coming to the planning meeting" in said
    assert "chair: " in said
