import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import SegmentTranscript
from tests.transcribe_service.connections.several_connections import (
    connection,
    conversations,
    heard_segment,
    hearings,
    shown,
    stands_by,
)
from transcribe_service.connections.coverage import primacy, shown_words, touched_by, waiting_for_words
from transcribe_service.connections.spans import contains, united
from transcribe_service.reading.transcript import meeting_status

SAID = [(text, 1000 * number + 100, 1000 * number + 800) for number, text in enumerate("abcdefghij")]


def speakers_of(found: Sequence[tuple[str, str]]) -> str:
    """`a1b1c2`: each word with the number of its connection."""
    return "".join(f"{text}{name[1:]}" for text, name in found)


@given(st.data())
def test_each_word_that_any_connection_covers_is_shown_once(data: st.DataObject) -> None:
    said = data.draw(conversations())
    found = data.draw(hearings(said))
    streams = [record for record, _ in found]
    segments = [segment for _, own in found for segment in own]
    covered = united((s.start_ms + s.epoch_offset_ms, s.end_ms + s.epoch_offset_ms) for s in segments)
    epoch_ms = 1_700_000_000_000
    expected = [text for text, at, until in said if contains(covered, (at + until) // 2 + epoch_ms)]
    assert sorted(text for text, _ in shown(streams, segments)) == sorted(expected)


@given(st.data())
def test_the_order_of_arrival_changes_nothing(data: st.DataObject) -> None:
    found = data.draw(hearings(data.draw(conversations())))
    streams = [record for record, _ in found]
    segments = [segment for _, own in found for segment in own]
    mixed_streams = data.draw(st.permutations(streams))
    mixed_segments = data.draw(st.permutations(segments))
    assert shown(streams, segments) == shown(mixed_streams, mixed_segments)
    decided = primacy(streams, segments, segments)
    again = primacy(mixed_streams, mixed_segments, mixed_segments)
    assert all(decided.shown(segment) == again.shown(segment) for segment in segments)


@given(st.data())
def test_what_a_segment_changes_elsewhere_is_named(data: st.DataObject) -> None:
    found = data.draw(hearings(data.draw(conversations())))
    streams = [record for record, _ in found]
    segments = [segment for _, own in found for segment in own]
    changed = data.draw(st.sampled_from(segments))
    others = [each for each in segments if each is not changed]
    touched = touched_by(changed, streams, others)
    assert touched == touched_by(changed, streams, segments)
    before, after = primacy(streams, others, others), primacy(streams, segments, segments)
    for each in others:
        if each.segment_id not in touched:
            assert before.shown(each) == after.shown(each)


@given(st.data())
def test_words_of_a_covered_segment_are_not_missed(data: st.DataObject) -> None:
    """What stands by is what the connections before cover: with its words or without, the same is shown, but at a take-over."""
    said = data.draw(conversations())
    found = data.draw(hearings(said))
    streams = [record for record, _ in found]
    segments = [segment for _, own in found for segment in own]
    decided = primacy(streams, segments, segments)
    standing_by = [stands_by(each) if decided.is_covered(each, each.connection_id) else each for each in segments]
    assert waiting_for_words(streams, standing_by) == []
    assert [text for text, _ in shown(streams, standing_by)] == [text for text, _ in shown(streams, segments)]


def test_the_next_one_takes_over_from_exactly_where_coverage_ended() -> None:
    first = heard_segment("c1", 0, 4450, SAID)
    second = heard_segment("c2", 2000, 10_000, SAID, begins=2000)
    streams = [connection("c1", opened=0, closed=(0, 4450)), connection("c2", opened=1)]
    assert speakers_of(shown(streams, [first, second])) == "a1b1c1d1e2f2g2h2i2j2"


def test_where_the_primary_has_a_gap_the_next_one_stands_in_and_hands_back() -> None:
    segments = [
        heard_segment("c1", 0, 3000, SAID, whole_from=0),
        heard_segment("c1", 6000, 10_000, SAID, whole_from=6000),
        heard_segment("c2", 0, 10_000, SAID),
    ]
    streams = [connection("c1", opened=0), connection("c2", opened=1)]
    assert speakers_of(shown(streams, segments)) == "a1b1c1d2e2f2g1h1i1j1"
    closed = [connection("c1", opened=0, closed=(0, 10_000), gaps=[(3000, 6000)]), streams[1]]
    assert shown(closed, segments) == shown(streams, segments)


def test_coverage_is_audio_and_not_speech() -> None:
    """c1 hears nothing from 3 to 6 s, and has no gap there: what c2 hears then was not said in the meeting."""
    segments = [
        heard_segment("c1", 0, 3000, SAID, whole_from=0),
        heard_segment("c1", 6000, 10_000, SAID, whole_from=0),
        heard_segment("c2", 0, 10_000, SAID),
    ]
    streams = [connection("c1", opened=0), connection("c2", opened=1)]
    assert speakers_of(shown(streams, segments)) == "a1b1c1g1h1i1j1"


def test_who_was_opened_later_covers_what_came_before_nobody_else_did() -> None:
    """c1 was registered first and began to hear later: until then c2 is all there is."""
    segments = [heard_segment("c1", 5000, 10_000, SAID, begins=5000), heard_segment("c2", 0, 10_000, SAID)]
    streams = [connection("c1", opened=0), connection("c2", opened=1)]
    assert speakers_of(shown(streams, segments)) == "a2b2c2d2e2f1g1h1i1j1"


def test_a_third_one_takes_over_from_the_second() -> None:
    segments = [
        heard_segment("c1", 0, 3000, SAID),
        heard_segment("c2", 1000, 6000, SAID, begins=1000),
        heard_segment("c3", 2000, 9000, SAID, begins=2000),
    ]
    streams = [connection(f"c{n}", opened=n) for n in (1, 2, 3)]
    assert speakers_of(shown(streams, segments)) == "a1b1c1d2e2f2g3h3i3"


def test_when_all_have_ended_nothing_more_is_shown() -> None:
    segments = [heard_segment("c1", 0, 3000, SAID), heard_segment("c2", 0, 4000, SAID)]
    streams = [connection("c1", opened=0, closed=(0, 3000)), connection("c2", opened=1, closed=(0, 4000))]
    assert speakers_of(shown(streams, segments)) == "a1b1c1d2"
    assert meeting_status("m1", streams, segments).complete


def test_opened_at_the_same_moment_the_ids_decide() -> None:
    segments = [heard_segment("c2", 0, 3000, SAID), heard_segment("c1", 0, 3000, SAID)]
    streams = [connection("c2", opened=0), connection("c1", opened=0)]
    assert speakers_of(shown(streams, segments)) == "a1b1c1"


def test_an_erased_connection_covers_nothing() -> None:
    segments = [heard_segment("c2", 0, 3000, SAID)]
    erased = msgspec.structs.replace(connection("c1", opened=0, closed=(0, 9000)), erased_at_ms=1)
    assert speakers_of(shown([erased, connection("c2", opened=1)], segments)) == "a2b2c2"


def test_participants_cover_for_nobody_and_nothing_of_theirs_is_dropped() -> None:
    segments = [heard_segment(name, 0, 3000, SAID) for name in ("c1", "c2", "c3", "c4")]
    streams = [
        connection("c1", opened=0, mode="per_participant"),
        connection("c2", opened=1, mode="per_participant"),
        connection("c3", opened=2),
        connection("c4", opened=3),
    ]
    assert sorted(shown(streams, segments)) == [(t, n) for t in "abc" for n in ("c1", "c2", "c3")]


def test_recordings_that_nobody_gave_a_time_are_all_shown() -> None:
    segments = [heard_segment(name, 0, 3000, SAID) for name in ("c1", "c2", "c3")]
    streams = [connection("c1", opened=0, untimed=True), connection("c2", opened=1), connection("c3", opened=2)]
    assert sorted(shown(streams, segments)) == [(t, n) for t in "abc" for n in ("c1", "c2")]


def test_a_meeting_with_one_connection_is_left_as_it_is() -> None:
    segments = [heard_segment("c1", 0, 3000, SAID)]
    assert shown_words([connection("c1", opened=0)], segments, segments)[0] is segments[0]
    assert touched_by(segments[0], [connection("c1", opened=0)], segments) == set()


def test_live_words_of_the_primary_take_the_place_of_the_others() -> None:
    live = heard_segment("c1", 0, 3000, SAID, final=False)
    segments = [live, heard_segment("c2", 0, 5000, SAID)]
    assert speakers_of(shown([connection("c1", opened=0), connection("c2", opened=1)], segments)) == "a1b1c1d2e2"


def test_the_account_of_an_earlier_release_has_no_clock_and_its_segments_count() -> None:
    record = connection("c1", opened=0, closed=(0, 9000))
    assert record.summary is not None
    old = msgspec.structs.replace(record, summary=msgspec.structs.replace(record.summary, epoch_offset_ms=None))
    segments = [heard_segment("c1", 0, 3000, SAID), heard_segment("c2", 0, 5000, SAID)]
    assert speakers_of(shown([old, connection("c2", opened=1)], segments)) == "a1b1c1d2e2"


@pytest.mark.parametrize(("primary_ends", "waiting"), [(6000, 0), (5999, 1), (0, 1)])
def test_a_place_that_nobody_covers_any_more_keeps_a_transcript_from_being_complete(
    primary_ends: int, waiting: int
) -> None:
    streams = [
        connection("c1", opened=0, closed=(0, primary_ends), segments=0),
        connection("c2", opened=1, closed=(0, 6000)),
    ]
    segments = [heard_segment("c2", 1000, 6000, standby=True)]
    assert len(waiting_for_words(streams, segments)) == waiting
    assert meeting_status("m1", streams, segments).complete is not bool(waiting)
    # whoever became a participant after all covers for nobody
    alone: list[StreamRecord] = [connection("c1", opened=0, closed=(0, 6000), mode="per_participant"), streams[1]]
    stored: list[SegmentTranscript] = [heard_segment("c1", 0, 6000), *segments]
    assert len(waiting_for_words(alone, stored)) == 1


def test_a_long_meeting_is_decided_quickly_enough_to_ask_often() -> None:
    """No time is asserted: an algorithm that compared all with all would not end here."""
    order = random.Random(7)
    said = [(f"w{n % 997}", 400 * n, 400 * n + 300) for n in range(20_000)]
    segments = [
        heard_segment(name, start, start + 10_000, said[start // 400 : start // 400 + 25])
        for name in ("c1", "c2")
        for start in range(0, 8_000_000, 10_000)
        if name == "c2" or order.random() > 0.02
    ]
    streams = [connection("c1", opened=0), connection("c2", opened=1)]
    texts = [text for text, _ in shown(streams, segments)]
    assert len(texts) == len(said)
