from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.turnscribe.live_server import MEETING, LiveScript, live_script, segment, sent
from turnscribe.client import Client
from turnscribe.errors import NotFound, ServerUnreachable, UnexpectedAnswer
from turnscribe.live_events import (
    EventParser,
    MeetingDeleted,
    MeetingNow,
    MeetingReset,
    SegmentNow,
    SegmentRemoved,
    SentEvent,
)
from turnscribe.transport import RetryPolicy


@pytest.fixture
def script() -> Iterator[LiveScript]:
    with live_script() as running:
        yield running


@pytest.fixture
def client(script: LiveScript) -> Iterator[Client]:
    with Client(
        script.url, "secret", retry=RetryPolicy(first_pause_s=0.001, give_up_after_s=1), timeout_s=5
    ) as connected:
        yield connected


def test_every_event_has_its_type(client: Client, script: LiveScript) -> None:
    script.streams(
        b"retry: 5\n\n: \n\n",
        sent("1-a", "meeting", **MEETING) + sent("1-a", "reset", meeting_id="m"),
        segment("2-a", "c:0:0", "hi", final=False),
        sent("3-a", "news", of="a later release"),
        sent("4-a", "removed", segment_id="c:0:0"),
        sent("5-a", "deleted", meeting_id="m"),
    )
    with client.live("m") as events:
        found = list(events)
        assert [type(each) for each in found] == [MeetingNow, MeetingReset, SegmentNow, SegmentRemoved, MeetingDeleted]
        assert events.last_event_id == "5-a"
    assert isinstance(found[2], SegmentNow)
    assert (found[2].final, found[2].utterances[0].text, found[2].utterances[0].speaker) == (False, "hi", "Ada")


def test_wherever_it_breaks_it_goes_on_behind_the_last_event_that_came_whole(
    client: Client, script: LiveScript
) -> None:
    first, second = segment("1-a", "c:0:0", "one"), segment("2-a", "c:0:9", "two")
    script.streams(b"retry: 1\n\n", first, second[:20], breaks=True)
    script.refuses(503, Retry_After="0")
    script.streams(second)
    script.refuses(429, Retry_After="0")
    script.streams(sent("3-a", "deleted", meeting_id="m"))
    with client.live("m") as events:
        said = [each.utterances[0].text for each in events if isinstance(each, SegmentNow)]
    assert said == ["one", "two"]
    assert script.came_with == [None, "1-a", "1-a", "2-a", "2-a"]


def test_an_earlier_call_can_be_gone_on_with(client: Client, script: LiveScript) -> None:
    script.streams(sent("8-a", "deleted", meeting_id="m"))
    with client.live("m", last_event_id="7-a") as events:
        assert list(events) == [MeetingDeleted("m")]
    assert script.came_with == ["7-a"]


def test_a_meeting_that_there_is_not_is_not_waited_for(client: Client) -> None:
    with client.live("m") as events, pytest.raises(NotFound):
        next(events)


def test_a_server_that_stays_away_is_given_up(client: Client, script: LiveScript) -> None:
    for _ in range(100):
        script.refuses(503)
    with client.live("m") as events, pytest.raises(ServerUnreachable, match="answers 503"):
        next(events)


def test_what_is_no_event_of_ours_is_told(client: Client, script: LiveScript) -> None:
    script.streams(sent("1-a", "segment", nothing=1))
    with client.live("m") as events, pytest.raises(UnexpectedAnswer, match="SegmentNow"):
        next(events)


def test_closed_it_ends(client: Client, script: LiveScript) -> None:
    script.streams(segment("1-a", "c:0:0", "one"), breaks=True)
    events = client.live("m")
    next(events)
    events.close()
    assert list(events) == []


@given(st.lists(st.integers(1, 40), max_size=30), st.sampled_from(["\n", "\r\n"]))
def test_where_the_answer_is_split_changes_nothing(sizes: list[int], end: str) -> None:
    written = "retry: 40|: é|id: 1-a|event: segment|data: {|data:}||id: 2-a|data: é|unknown: x|alone||event: x||data: y||".replace(
        "|", end
    ).encode()
    parser, found, at = EventParser(), list[SentEvent](), 0
    for size in [*sizes, len(written)]:
        found += parser.feed(written[at : at + size])
        at += size
    assert found == [SentEvent("1-a", "segment", "{\n}"), SentEvent("2-a", "", "é"), SentEvent("2-a", "", "y")]
    assert parser.retry_ms == 40
