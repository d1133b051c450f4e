import pytest

from transcribe_service.recognition.disbelief.heard import Heard
from transcribe_service.recognition.disbelief.outside_audio import outside_audio
from transcribe_service.whisper.client import WhisperSegment, WhisperWord


@pytest.mark.parametrize(
    ("start_s", "end_s", "is_outside"),
    [
        (10.5, 11.0, True),
        (12.0, 11.0, True),
        (-1.0, -0.1, True),
        (10.3, 12.0, False),
        (10.4, 10.4, False),
        (0, 0, False),
    ],
    ids=["after it", "backwards", "before it", "begins inside", "on its end", "on its beginning"],
)
def test_a_word_beyond_the_audio_was_not_heard_in_it(start_s: float, end_s: float, is_outside: bool) -> None:
    heard = Heard((WhisperWord("word", start_s, end_s, 0.9),), (WhisperSegment(0.0, 30.0, "word"),), 10.4)
    assert outside_audio(heard) == (frozenset({0}) if is_outside else frozenset())
