"""A minute without a word after a sentence, through all services: the sentence comes out, live and final, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from bench.local_pipeline import transcript_of
from bench.nothing_invented import write_webm
from bench.offline_pipeline import decoded
from bench.wordless_audio import SAMPLE_RATE, programme
from turnscribe.demo.command import CONVERSATION
from turnscribe.demo.run import words_of
from turnscribe.schema import Transcript

SPEECH_S = 6

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_minute_of_noise_music_and_silence_has_no_words(tmp_path: Path) -> None:
    speech = decoded(Path(CONVERSATION))[: SPEECH_S * SAMPLE_RATE]
    recording = tmp_path / "sentence and noise.webm"
    write_webm(np.concatenate([speech, *programme(66, seed=11, piece_s=6)]), recording)
    latest_ms: list[int] = []

    def look(transcript: Transcript) -> None:
        latest_ms.extend(word.start_ms for word in words_of(transcript))

    transcript = transcript_of(recording, environ={"WHISPER_LANGUAGE": "en"}, while_it_grows=look)
    look(transcript)
    assert max(latest_ms) < 1000 * SPEECH_S + 500
    said = [word.text for word in words_of(transcript)]
    assert 8 <= len(said) <= 25
    (account,) = transcript.streams
    assert account.silence_skipped_ms is not None
    assert account.silence_skipped_ms > 60_000
