"""A broker that forgets everything it held, and a Redis that was flushed: the sweeps find all of it in the bucket."""

from pathlib import Path

import pytest

from tests.e2e.conftest import READY_S, START_MS, Demo, completed, demo_environment, new_stream, without_ids
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.recording import load_recording
from turnscribe.demo.speakers import load_ground_truth, mask_windows
from turnscribe.local_server import LocalServer, free_port

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(400)]

SETTINGS = {
    "SPEAKER_DELAY_SEC": "1",
    "SPEAKER_WAIT_SEC": "10",
    "TRANSCRIBER_STEP_SEC": "60",
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1",
    "REPUBLISH_AFTER_SEC": "2",
}


def test_a_queue_that_forgot_all_events_changes_nothing(uninterrupted: Demo, tmp_path: Path) -> None:
    """Of chunks, speakers and the end before they were cut, and of segments before they were transcribed."""
    recording = load_recording(CONVERSATION, 3000)
    windows = mask_windows(load_ground_truth(CONVERSATION_TRUTH), recording.duration_ms or 0, delay_ms=1000)
    environ = demo_environment() | SETTINGS
    with LocalServer(tmp_path, free_port(), environ) as server:
        server.wait_until_ready(READY_S)
        with Client(server.url, server.token) as client:
            stream = new_stream(client, recording.content_type)
            for window in windows:
                stream.observe_masks(START_MS + window.end_ms, window.masks)
            for piece in recording.pieces:
                captured_at_ms = START_MS + (piece.end_ms or 0)
                stream.put_chunk(piece.seq, recording.bytes_of(piece), captured_at_ms=captured_at_ms)
            stream.end(len(recording.pieces) - 1, observations=len(windows))
            assert not client.transcript(stream.meeting_id).complete, "Whisper has not had the time"
    for file in tmp_path.glob("queue.sqlite3*"):
        file.unlink()
    with LocalServer(tmp_path, free_port(), environ) as server:
        server.wait_until_ready(READY_S)
        with Client(server.url, server.token) as client:
            transcript = completed(client, stream.meeting_id)
    assert without_ids(transcript) == without_ids(uninterrupted.transcript)
