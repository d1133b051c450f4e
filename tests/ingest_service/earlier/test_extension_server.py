"""The extension against a real server, with blobs as browsers make them: it sends again after a network error, and stops at a refusal."""

import json
import random
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
import urllib3

from tests.ingest_service.websocket.ingest_process import AUTHORIZED, IngestProcess
from turnscribe.demo.command import CONVERSATION
from turnscribe.demo.recording import load_recording

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BLOB_MS = 1_000
KILLS = 5
GIVE_UP_S = 60.0
START_S = 1_700_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IngestProcess]:
    with IngestProcess(tmp_path) as running:
        yield running


def send(pool: urllib3.PoolManager, url: str, body: bytes, success: int) -> None:
    """One request of the extension; again after a network error, and any other status ends the recording."""
    give_up_s = time.monotonic() + GIVE_UP_S
    while True:
        try:
            answer = pool.request("PUT", url, body=body, headers=AUTHORIZED)
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < give_up_s, "the server does not come back"
            time.sleep(0.05)  # another process begins; only its answers say when it is there
            continue
        assert answer.status == success, answer.data
        return


def record(server: IngestProcess, connection: str, blobs: list[bytes], kills: Collection[int]) -> None:
    """A whole recording. The server is killed, and started again, before each of the blobs in `kills`; the answer to each is lost once."""
    extension, query = f"{server.url}/api/v1/extension", f"connection_id={connection}&meeting_id=m1&source=google_meet"
    with urllib3.PoolManager(retries=False, timeout=30.0) as pool:
        for i, blob in enumerate(blobs):
            end_s = START_S + i + 1
            audio = f"{extension}/audio?i={i}&{query}&ts={end_s}.25{'&l=1' if i == len(blobs) - 1 else ''}"
            if i in kills:
                send(pool, audio, blob, 200)
                server.kill()
                server.start()
            send(pool, audio, blob, 200)
            send(pool, f"{extension}/speakers?{query}&ts={end_s}", b'[["Ada", "0110001111"]]', 201)
        status = json.loads(pool.request("GET", f"{server.url}/v1/streams/{connection}", headers=AUTHORIZED).data)
    assert (status["ended"], status["last_seq"], status["problems"]) == (True, len(blobs) - 1, [])
    assert server.stored(connection) == dict(enumerate(blobs))


def test_blobs_arrive_once_each_though_the_server_is_killed(server: IngestProcess) -> None:
    recording = load_recording(CONVERSATION, BLOB_MS)
    blobs = [recording.bytes_of(piece) for piece in recording.pieces]
    assert len(blobs) > 60
    record(server, "shipped", blobs, random.Random(4).sample(range(len(blobs)), KILLS))


@pytest.mark.component("corpus")
@pytest.mark.parametrize("folder", ["chrome156_webm_3s", "chrome156_mp4_opus", "firefox153_webm_3s"])
def test_blobs_of_real_browsers_are_taken_as_they_are(server: IngestProcess, corpus: Path, folder: str) -> None:
    blobs = [path.read_bytes() for path in sorted((corpus / "browser" / folder).glob("chunk_*.bin"))]
    assert blobs
    record(server, folder, blobs, {len(blobs) // 2})
