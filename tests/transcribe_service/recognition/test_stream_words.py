from hypothesis import given
from hypothesis import strategies as st

from tests.transcribe_service.fakes import heard, segment_ready
from transcribe_service.recognition.stream_words import in_stream_time
from transcribe_service.whisper.client import WhisperWord
from transcribe_service.whisper.word_times import interpolated

seconds = st.floats(-100, 100)
whisper_words = st.builds(WhisperWord, st.sampled_from([" a", "b ", "c"]), seconds, seconds, st.floats(0, 1))


@given(st.lists(whisper_words))
def test_words_stay_inside_the_segment_and_in_order_and_none_is_lost(words: list[WhisperWord]) -> None:
    event = segment_ready()
    placed = in_stream_time(words, event)
    assert [word.text for word in placed] == [word.text.strip() for word in words]
    for word in placed:
        assert event.start_ms <= word.start_ms <= word.end_ms <= event.end_ms
    starts = [word.start_ms for word in placed]
    assert starts == sorted(starts)


def test_padding_is_subtracted() -> None:
    (word,) = in_stream_time(heard((" hi", 1.0, 1.5)).words, segment_ready())
    assert (word.text, word.start_ms, word.end_ms) == ("hi", 4000, 4500)


def test_a_word_in_the_padding_moves_to_the_edge_and_keeps_its_length() -> None:
    words = in_stream_time(heard(("first", 0.0, 0.15), ("last", 10.25, 10.35)).words, segment_ready())
    assert [(word.start_ms, word.end_ms) for word in words] == [(3200, 3350), (13_100, 13_200)]


@given(st.text(), st.floats(0, 50), st.floats(0, 50))
def test_interpolated_words_share_their_span_without_gap_or_overlap(text: str, start_s: float, length_s: float) -> None:
    words = interpolated(text, start_s, start_s + length_s, 0.5)
    assert [word.text for word in words] == text.split()
    edges = [edge for word in words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)
    if words:
        assert abs(edges[0] - start_s) < 1e-6
        assert abs(edges[-1] - start_s - length_s) < 1e-6
