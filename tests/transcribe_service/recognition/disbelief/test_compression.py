import zlib

import pytest

from tests.transcribe_service.recognition.disbelief.answers import said, texts
from transcribe_service.recognition.disbelief.compression import COMPRESSION_RATIO, compression, compression_ratio

SPEECH = (
    "So the first thing that we looked at was how long people wait before they give up, and it turned out that nobody "
    "waits for more than ten seconds unless something on the page keeps moving."
)


def test_the_ratio_is_whisper_s_own() -> None:
    text = " Thank you. Thank you."
    data = b"Thank you. Thank you."
    assert compression_ratio(text) == len(data) / len(zlib.compress(data))
    assert compression_ratio("  ") == 0.0
    assert compression_ratio(SPEECH) < 1.5


def test_where_the_server_tells_nothing_the_ratio_is_computed() -> None:
    looping = said("I'm going to go to the bathroom. " * 8)
    assert compression_ratio(looping.spans[0].text) > COMPRESSION_RATIO
    assert texts(looping, compression(looping)) == ""
    assert compression(said(SPEECH)) == frozenset()


@pytest.mark.parametrize(("told", "is_dropped"), [(3.1, True), (2.4, False)])
def test_the_server_s_own_number_counts_where_it_tells_one(told: float, is_dropped: bool) -> None:
    assert bool(compression(said("la la land", compression_ratio=told))) is is_dropped


def test_speech_that_ends_in_a_loop_is_left_to_the_rule_for_loops() -> None:
    heard = said(SPEECH + " Okay." * 20, compression_ratio=2.6)
    assert compression(heard) == frozenset()
    mostly = said("So we went. " + "Okay. " * 40, compression_ratio=5.0)
    assert texts(mostly, compression(mostly)) == ""
