"""Input that is wrong is named at once or in the status, and what is right beside it is transcribed all the same."""

import pytest

from tests.e2e.conftest import START_MS, completed, new_stream
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION
from turnscribe.demo.recording import load_recording
from turnscribe.errors import BadRequest

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(400)]


def test_the_stream_goes_on_beside_what_is_wrong(client: Client) -> None:
    recording = load_recording(CONVERSATION, 3000)
    stream = new_stream(client, recording.content_type)
    with pytest.raises(BadRequest, match="begins no recording"):
        stream.put_chunk(0, b"<!doctype html><title>Not found</title>")
    for piece in recording.pieces[:4]:
        stream.put_chunk(piece.seq, recording.bytes_of(piece), captured_at_ms=START_MS + (piece.end_ms or 0))
    with pytest.raises(BadRequest, match="characters other than 0 and 1"):
        stream.observe_masks(START_MS + 1000, [("Chair", "01x0")])
    stream.put_chunk(4, b"")
    stream.end(4)
    (account,) = completed(client, stream.meeting_id)["streams"]
    assert account["audio_ms"] == pytest.approx(12_000, abs=200)
    assert "good morning everyone" in client.transcript_text(stream.meeting_id, "text").lower()


def test_a_recording_that_breaks_off_in_its_header_is_named(client: Client) -> None:
    stream = new_stream(client, "audio/webm")
    stream.put_chunk(0, CONVERSATION.read_bytes()[:60])
    stream.end(0)
    transcript = completed(client, stream.meeting_id)
    assert (transcript["utterances"], transcript["streams"][0]["quarantined"]) == ([], 1)
    (problem,) = client.stream_status(stream.connection_id).problems
    assert (problem.type, problem.seq) == ("urn:turnscribe:problem:truncated-header", None)
    assert "header ends before" in problem.detail
