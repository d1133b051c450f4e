from hypothesis import given
from hypothesis import strategies as st

from tests.transcribe_service.fakes import heard, segment_ready
from transcribe_service.recognition.stream_words import heard_words, is_invented
from transcribe_service.whisper.client import WhisperResult, WhisperSegment, WhisperWord
from transcribe_service.whisper.word_times import interpolated

seconds = st.floats(-100, 100)
whisper_words = st.builds(WhisperWord, st.sampled_from([" a", "b ", "", "  ", "c"]), seconds, seconds, st.floats(0, 1))


@given(st.lists(whisper_words))
def test_words_stay_inside_the_segment_and_in_order_and_none_is_lost(words: list[WhisperWord]) -> None:
    event = segment_ready()
    placed = heard_words(WhisperResult(text="", words=tuple(words)), event)
    assert [word.text for word in placed] == [word.text.strip() for word in words if word.text.strip()]
    for word in placed:
        assert event.start_ms <= word.start_ms <= word.end_ms <= event.end_ms
    starts = [word.start_ms for word in placed]
    assert starts == sorted(starts)


def test_padding_is_subtracted() -> None:
    (word,) = heard_words(heard((" hi", 1.0, 1.5)), segment_ready())
    assert (word.text, word.start_ms, word.end_ms) == ("hi", 4000, 4500)


def test_a_word_in_the_padding_moves_to_the_edge_and_keeps_its_length() -> None:
    words = heard_words(heard(("first", 0.0, 0.15), ("last", 10.25, 10.35)), segment_ready())
    assert [(word.start_ms, word.end_ms) for word in words] == [(3200, 3350), (13_100, 13_200)]


def test_only_the_spans_that_whisper_itself_doubts_are_dropped() -> None:
    result = WhisperResult(
        text="real invented",
        words=(WhisperWord("real", 0.5, 1.0, 0.9), WhisperWord("invented", 5.5, 6.0, 0.1)),
        segments=(
            WhisperSegment(0.0, 5.0, "real", avg_logprob=-0.2, no_speech_prob=0.9),
            WhisperSegment(5.0, 10.0, "invented", avg_logprob=-1.2, no_speech_prob=0.7),
        ),
    )
    assert [is_invented(segment) for segment in result.segments] == [False, True]
    assert [word.text for word in heard_words(result, segment_ready())] == ["real"]


def test_an_answer_without_any_times_is_spread_over_the_segment() -> None:
    words = heard_words(WhisperResult(text="one two three four"), segment_ready())
    assert [word.text for word in words] == ["one", "two", "three", "four"]
    assert (words[0].start_ms, words[-1].end_ms) == (3200, 13_200)


@given(st.text(), st.floats(0, 50), st.floats(0, 50))
def test_interpolated_words_share_their_span_without_gap_or_overlap(text: str, start_s: float, length_s: float) -> None:
    words = interpolated(text, start_s, start_s + length_s, 0.5)
    assert [word.text for word in words] == text.split()
    edges = [edge for word in words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)
    if words:
        assert abs(edges[0] - start_s) < 1e-6
        assert abs(edges[-1] - start_s - length_s) < 1e-6
