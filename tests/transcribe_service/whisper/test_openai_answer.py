import contextlib
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Retryable
from transcribe_service.whisper.openai_answer import read_answer

WORDS = [{"word": "hi", "start": 0.2, "end": 0.5, "probability": 0.9}, {"word": "you", "start": 0.5, "end": 0.7}]
SEGMENT = {"id": 0, "start": 0.0, "end": 1.0, "text": " hi you", "avg_logprob": -0.5, "no_speech_prob": 0.1}


def test_words_at_the_top() -> None:
    result = read_answer(
        msgspec.json.encode(
            {"text": " hi you ", "language": "en", "duration": 1.0, "words": WORDS, "segments": [SEGMENT]}
        )
    )
    assert (result.text, result.language, result.duration_s) == ("hi you", "en", 1.0)
    assert [(w.text, w.start_s, w.end_s) for w in result.words] == [("hi", 0.2, 0.5), ("you", 0.5, 0.7)]
    assert result.words[0].probability == 0.9
    assert result.words[1].probability == pytest.approx(math.exp(-0.5))
    assert (result.segments[0].avg_logprob, result.segments[0].no_speech_prob) == (-0.5, 0.1)
    assert result.segments[0].compression_ratio is None


def test_words_inside_the_segments() -> None:
    result = read_answer(msgspec.json.encode({"segments": [SEGMENT | {"words": WORDS}]}))
    assert [word.text for word in result.words] == ["hi", "you"]
    assert result.text == "hi you"


@pytest.mark.parametrize("words", [None, []])
def test_without_word_times_they_are_spread_over_the_segments(words: list[object] | None) -> None:
    result = read_answer(msgspec.json.encode({"text": "hi you", "words": words, "segments": [SEGMENT]}))
    assert [word.text for word in result.words] == ["hi", "you"]
    assert result.words[0].start_s == 0.0
    assert result.words[0].end_s == result.words[1].start_s == pytest.approx(3 / 7)
    assert result.words[1].end_s == pytest.approx(1.0)


def test_text_alone_is_an_answer() -> None:
    result = read_answer(b'{"text": "hi you", "duration": "2.5"}')
    assert (result.words, result.text, result.duration_s) == ((), "hi you", 2.5)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"text": 3}', b'{"text": "a", "words": [{"start": 0}]}']
)
def test_what_is_no_answer_is_asked_for_again(body: bytes) -> None:
    with pytest.raises(Retryable) as failed:
        read_answer(body)
    assert failed.value.reason == "whisper_invalid_answer"


@given(st.binary())
def test_garbage_never_passes_or_breaks(body: bytes) -> None:
    with pytest.raises(Retryable):
        read_answer(body)


json_value = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["word", "start", "end"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["text", "language", "duration", "words", "segments"]), json_value))
def test_any_json_is_read_or_refused(answer: dict[str, object]) -> None:
    with contextlib.suppress(Retryable):
        assert all(0 <= word.probability <= 1 for word in read_answer(msgspec.json.encode(answer)).words)
