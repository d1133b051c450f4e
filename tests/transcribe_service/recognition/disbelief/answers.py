"""Answers of Whisper to test the rules on, as examples and as a hypothesis strategy."""

from hypothesis import strategies as st

from transcribe_service.recognition.disbelief.heard import Heard
from transcribe_service.whisper.client import WhisperSegment, WhisperWord

seconds = st.floats(-5, 40)
_numbers = st.none() | st.floats(0, 1)
spans = st.builds(
    WhisperSegment,
    seconds,
    seconds,
    st.sampled_from(["", "so we measured it.", "mm, " * 30]),
    st.none() | st.floats(-3, 0),
    _numbers,
    st.none() | st.floats(0, 6),
)
words = st.builds(
    WhisperWord, st.sampled_from(["Thank", "you.", "mm,", "...", "é", "♪"]), seconds, seconds, st.floats(0, 1)
)
answers = st.builds(
    Heard, st.lists(words, max_size=40).map(tuple), st.lists(spans, min_size=1, max_size=4).map(tuple), st.just(20.4)
)


def said(text: str, *, probability: float = 0.9, start_s: float = 0.2, **numbers: float) -> Heard:
    """`text`, two words a second, in one span of Whisper with these `numbers`."""
    heard = tuple(
        WhisperWord(word, start_s + 0.5 * at, start_s + 0.5 * at + 0.4, probability)
        for at, word in enumerate(text.split())
    )
    return Heard(heard, (WhisperSegment(0.0, start_s + 0.5 * len(heard), text, **numbers),), 1000.0)


def texts(heard: Heard, positions: frozenset[int]) -> str:
    """What is left of the text without the words at `positions`."""
    return " ".join(word.text for word in heard.without(positions).words)
