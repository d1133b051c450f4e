"""Any order, any repetition, any format: straight to the HTTP API of a running stack."""

import random
from pathlib import Path

import pytest

from tests.e2e.conftest import START_MS, Demo, completed, new_stream, without_ids
from tests.e2e.excerpts import EXCERPT_S, FORMATS, write_excerpt
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.recording import load_recording
from turnscribe.demo.speakers import MaskWindow, interval_windows, load_ground_truth, mask_windows

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(400)]


def test_shuffled_and_repeated_uploads_change_nothing(client: Client, uninterrupted: Demo) -> None:
    recording = load_recording(CONVERSATION, 3000)
    windows = mask_windows(load_ground_truth(CONVERSATION_TRUTH), recording.duration_ms or 0, delay_ms=1000)
    stream = new_stream(client, recording.content_type)
    uploads = [*recording.pieces, *windows] * 2
    random.Random(1).shuffle(uploads)
    for number, upload in enumerate(uploads):
        if isinstance(upload, MaskWindow):
            stream.observe_masks(START_MS + upload.end_ms, upload.masks)
        else:
            captured_at_ms = START_MS + (upload.end_ms or 0)
            stream.put_chunk(upload.seq, recording.bytes_of(upload), captured_at_ms=captured_at_ms)
        if number in (len(uploads) // 2, len(uploads) - 1):
            stream.end(len(recording.pieces) - 1, observations=len(windows))
    assert without_ids(completed(client, stream.meeting_id)) == without_ids(uninterrupted.transcript)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_goes_through(client: Client, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"excerpt.{kind}"
    write_excerpt(path, kind)
    recording = load_recording(path, 3000)
    stream = new_stream(client, recording.content_type)
    windows = interval_windows(load_ground_truth(CONVERSATION_TRUTH), recording.duration_ms or 0)
    for piece in recording.pieces:
        stream.put_chunk(piece.seq, recording.bytes_of(piece), captured_at_ms=START_MS + (piece.end_ms or 0))
    for window in windows:
        stream.observe_intervals(window.intervals, covered_from_ms=window.start_ms, covered_to_ms=window.end_ms)
    stream.end(len(recording.pieces) - 1, observations=len(windows))
    transcript = completed(client, stream.meeting_id)
    (account,) = transcript["streams"]
    assert account["audio_ms"] == pytest.approx(EXCERPT_S * 1000, abs=250)
    assert (account["gaps"], account["quarantined"]) == ([], 0)
    said = {
        speaker: " ".join(each["text"] for each in transcript["utterances"] if each["speaker"] == speaker).lower()
        for speaker in ("Chair", "Engineer")
    }
    assert "good morning everyone" in said["Chair"]
    assert "search page is ready" in said["Engineer"]
