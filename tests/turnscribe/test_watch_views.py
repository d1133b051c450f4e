import io

import pytest

from turnscribe.live_events import LiveEvent, MeetingNow, MeetingReset, SegmentNow, SegmentRemoved
from turnscribe.schema import StreamAccount, Utterance
from turnscribe.watch_views import Watched, WatchLines, WatchScreen, clock_time


def segment(segment_id: str, text: str, *, final: bool = True, start_ms: int = 0) -> SegmentNow:
    said = Utterance(text, start_ms, start_ms + 900, "c", segment_id, final, speaker="Ada")
    return SegmentNow(
        segment_id=segment_id,
        connection_id="c",
        channel=0,
        revision=1,
        final=final,
        start_ms=start_ms,
        end_ms=start_ms + 900,
        utterances=(said,),
    )


def meeting(segments: int | None) -> MeetingNow:
    streams = (StreamAccount("c", "closed", segments=segments),)
    return MeetingNow(meeting_id="m", complete=segments is not None, streams=streams)


def shown(*events: LiveEvent) -> list[str]:
    watched = Watched()
    for event in events:
        watched.take(event)
    return [each.text for each in watched.utterances]


def test_what_is_shown_follows_the_events() -> None:
    later, earlier = segment("b", "later", start_ms=5_000), segment("a", "ear", final=False)
    assert shown(later, earlier) == ["ear", "later"]
    assert shown(later, earlier, segment("a", "earlier")) == ["earlier", "later"]
    assert shown(later, earlier, SegmentRemoved("a"), SegmentRemoved("unknown")) == ["later"]
    assert shown(later, MeetingReset("m"), earlier) == ["ear"]


def test_all_is_there_when_as_many_finals_came_as_the_meeting_says() -> None:
    watched = Watched()
    assert not watched.is_all_there
    for event, is_all_there in (
        (meeting(2), False),
        (segment("a", "x"), False),
        (segment("b", "x", final=False), False),
        (segment("b", "x"), True),
        (meeting(None), False),
        (meeting(0), True),
    ):
        watched.take(event)
        assert watched.is_all_there is is_all_there


def test_lines_are_printed_once_and_only_what_is_final() -> None:
    out = io.StringIO()
    lines = WatchLines(out)
    for event in (segment("a", "hel", final=False), segment("a", "hello"), segment("a", "hello"), SegmentRemoved("a")):
        lines.take(event)
    lines.close()
    assert out.getvalue() == "00:00 Ada: hello\n"


def test_a_screen_shows_it_all_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich")
    screen = WatchScreen()
    screen.take(segment("a", "[bold]hello[/bold]"))
    screen.take(segment("b", "wor", final=False, start_ms=3_600_000))
    screen.close()
    told = capsys.readouterr().out
    assert "00:00 Ada: [bold]hello[/bold]" in told
    assert "1:00:00 Ada: wor" in told


@pytest.mark.parametrize(("ms", "told"), [(0, "00:00"), (65_999, "01:05"), (7_265_000, "2:01:05")])
def test_clock_times(ms: int, told: str) -> None:
    assert clock_time(ms) == told
