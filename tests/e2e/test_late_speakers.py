"""Who spoke becomes known after the words: they get their speakers, and nothing else of them changes."""

from typing import Any

import pytest

from tests.e2e.conftest import START_MS, completed, new_stream
from tests.e2e.playing import CHUNK_MS, DELAY_MS, conversation
from tests.waiting import until
from turnscribe.client import Client

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(400)]
CHUNKS = 5


def words_of(transcript: dict[str, Any]) -> list[dict[str, Any]]:
    return [word for utterance in transcript["utterances"] for word in utterance["words"]]


def speakers_of(transcript: dict[str, Any]) -> set[str | None]:
    return {utterance["speaker"] for utterance in transcript["utterances"]}


def nameless(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in word.items() if not key.startswith("speaker")} for word in words]


def test_speakers_that_are_sent_after_the_end_reach_the_words(client: Client) -> None:
    recording, windows = conversation()
    stream = new_stream(client, recording.content_type)
    for piece in recording.pieces[:CHUNKS]:
        captured_at_ms = START_MS + (piece.end_ms or 0)
        stream.put_chunk(piece.seq, recording.bytes_of(piece), captured_at_ms=captured_at_ms)
    stream.end(CHUNKS - 1)
    before = completed(client, stream.meeting_id)
    assert speakers_of(before) == {None}
    for window in windows:
        if window.end_ms <= CHUNKS * CHUNK_MS + DELAY_MS:
            stream.observe_masks(START_MS + window.end_ms, window.masks)
    until(lambda: None not in speakers_of(completed(client, stream.meeting_id)), "every word has a speaker")
    after = completed(client, stream.meeting_id)
    assert nameless(words_of(after)) == nameless(words_of(before))
