"""A client of the earlier system, which knows nothing of this one, and one that speaks its own API: the same transcript."""

import json
import secrets
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import urllib3

from tests.e2e.conftest import START_MS, completed, without_ids
from tests.e2e.playing import CHUNK_MS, DELAY_MS, conversation, play_beginning
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION
from turnscribe.demo.recording import load_recording
from turnscribe.local_server import LocalServer

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(300)]

SECONDS = 18
BLOB_MS = 1_000


class Extension:
    """The earlier system's recorder: a blob and the speakers every second, as facts and captures show it. It stops when it is refused."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base_url = base_url
        self._token = token
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0)
        self.connection_id = f"extension-{secrets.token_hex(4)}"
        self.meeting_id = f"meet-{secrets.token_hex(4)}"

    def close(self) -> None:
        self._pool.clear()

    def _put(self, what: str, body: bytes, **query: object) -> dict[str, object]:
        members = {"connection_id": self.connection_id, "meeting_id": self.meeting_id, "source": "google_meet"}
        fields = {name: str(value) for name, value in {**members, **query}.items()}
        answer = self._pool.request(
            "PUT",
            f"{self._base_url}/api/v1/extension/{what}?{urlencode(fields)}",
            body=body,
            headers={"Authorization": f"Bearer {self._token}"},
        )
        assert answer.status < 400, f"the extension stops recording: {answer.status} {answer.data!r}"
        said: dict[str, object] = json.loads(answer.data)
        return said

    def send_blob(self, i: int, blob: bytes, end_ms: int, *, last: bool) -> None:
        said = self._put("audio", blob, i=i, ts=end_ms / 1000, **({"l": 1} if last else {}))
        assert said == {"message": "Chunk received", "connection_id": self.connection_id}

    def send_speakers(self, end_ms: int, masks: object) -> None:
        assert self._put("speakers", json.dumps(masks).encode(), ts=end_ms / 1000) == {"message": "Speaker created"}


@pytest.fixture
def extension(server: LocalServer) -> Iterator[Extension]:
    recorder = Extension(server.url, server.token)
    yield recorder
    recorder.close()


def test_the_earlier_recorder_gets_the_same_transcript(client: Client, extension: Extension) -> None:
    recording = load_recording(CONVERSATION, BLOB_MS)
    _, windows = conversation()
    blobs = recording.pieces[: SECONDS * 1000 // BLOB_MS]
    waiting = [window for window in windows if window.end_ms <= SECONDS * 1000 + DELAY_MS]
    for blob in blobs:
        end_ms = blob.end_ms or 0
        for _ in range(1 + (blob.seq % 5 == 0)):  # now and then an answer is lost, and it sends the blob again
            extension.send_blob(blob.seq, recording.bytes_of(blob), START_MS + end_ms, last=False)
        while waiting and waiting[0].end_ms <= end_ms + DELAY_MS:
            window = waiting.pop(0)
            extension.send_speakers(START_MS + window.end_ms, [list(mask) for mask in window.masks])
    extension.send_blob(len(blobs) - 1, recording.bytes_of(blobs[-1]), START_MS + (blobs[-1].end_ms or 0), last=True)
    native = play_beginning(client, SECONDS * 1000 // CHUNK_MS)
    earlier = without_ids(completed(client, extension.meeting_id))
    assert earlier["utterances"] == without_ids(completed(client, native.meeting_id))["utterances"]
    assert {each["speaker"] for each in earlier["utterances"]} == {"Chair", "Engineer", "Designer"}
    assert client.stream_status(extension.connection_id).problems == ()
