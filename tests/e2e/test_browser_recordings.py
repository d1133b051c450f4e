"""What real browsers recorded goes through as they posted it, blob by blob."""

from pathlib import Path

import pytest

from tests.e2e.conftest import START_MS, completed, new_stream
from turnscribe.client import Client

pytestmark = [
    pytest.mark.component("whisper", "corpus"),
    pytest.mark.slow,
    pytest.mark.timeout(400),
]


@pytest.mark.parametrize(
    ("folder", "content_type", "audio_ms", "said"),
    [
        ("chrome156_webm_3s", "audio/webm;codecs=opus", 90_960, "your face with some anxiety"),
        ("chrome156_mp4_opus", "audio/mp4;codecs=opus", 7_900, ""),
        ("firefox153_webm_3s", "audio/webm;codecs=opus", 20_570, ""),
    ],
)
def test_blobs_of_a_browser_go_through_as_they_are(
    client: Client, corpus: Path, folder: str, content_type: str, audio_ms: int, said: str
) -> None:
    stream = new_stream(client, content_type)
    blobs = sorted((corpus / "browser" / folder).glob("chunk_*.bin"))
    assert blobs
    for seq, blob in enumerate(blobs):
        stream.put_chunk(seq, blob.read_bytes(), captured_at_ms=START_MS + (seq + 1) * 3_000)
    stream.end(len(blobs) - 1)
    (account,) = completed(client, stream.meeting_id)["streams"]
    assert account["audio_ms"] == pytest.approx(audio_ms, abs=50)
    assert (account["gaps"], account["quarantined"]) == ([], 0)
    assert said in client.transcript_text(stream.meeting_id, "text").lower().replace("\n", " ")
