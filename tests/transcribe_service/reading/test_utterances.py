from hypothesis import given

from common.ports.transcript_store import SegmentTranscript
from tests.transcribe_service.spoken import EPOCH_MS, meetings, segment
from transcribe_service.reading.utterances import meeting_epoch_ms, utterances, word_joint


@given(meetings)
def test_every_word_stands_in_one_utterance_of_its_speaker(segments: list[SegmentTranscript]) -> None:
    found = utterances(segments, meeting_epoch_ms(segments))
    assert sum(len(each.words) for each in found) == sum(len(each.words) for each in segments)
    for each in found:
        assert {word.speaker for word in each.words} == {each.speaker}
        assert 0 <= each.start_ms <= each.end_ms
        assert all(each.start_ms <= word.start_ms and word.end_ms <= each.end_ms for word in each.words)
        assert each.text == word_joint(each.language).join(word.text for word in each.words)
    starts = [each.start_ms for each in found]
    assert starts == sorted(starts)


@given(meetings)
def test_the_order_of_segments_does_not_matter(segments: list[SegmentTranscript]) -> None:
    distinct = list({each.segment_id: each for each in segments}.values())
    epoch_ms = meeting_epoch_ms(distinct)
    assert utterances(distinct, epoch_ms) == utterances(distinct[::-1], epoch_ms)


def test_a_change_of_speaker_begins_an_utterance() -> None:
    words = (("Hi", 0, 300, "Ada"), ("there.", 300, 600, "Ada"), ("Hm.", 700, 900, None), ("Yes", 1000, 1200, "Ada"))
    found = utterances([segment(*words)], EPOCH_MS)
    assert [(each.speaker, each.text) for each in found] == [("Ada", "Hi there."), (None, "Hm."), ("Ada", "Yes")]


def test_connections_are_merged_by_wall_clock() -> None:
    early = segment(("one", 0, 300, "Ada"), ("three", 2000, 2300, "Bob"), connection="c2")
    late = segment(("two", 500, 800, "Grace"), offset_ms=EPOCH_MS + 1000)
    found = utterances([late, early], meeting_epoch_ms([late, early]))
    assert [(each.text, each.start_ms) for each in found] == [("one", 0), ("two", 1500), ("three", 2000)]
    assert found[1].start_at == "2023-11-14T22:13:21.500Z"
    assert found[1].words[0].start_ms == 1500


def test_languages_without_spaces_get_none() -> None:
    (found,) = utterances([segment(("你", 0, 100, None), ("好", 100, 200, None), language="zh")], EPOCH_MS)
    assert found.text == "你好"


def test_an_uploaders_impossible_clock_breaks_nothing() -> None:
    (found,) = utterances([segment(("hi", 0, 100, None), offset_ms=10**18)], 10**18)
    assert (found.start_ms, found.start_at) == (0, "9999-12-31T23:59:59.999Z")
