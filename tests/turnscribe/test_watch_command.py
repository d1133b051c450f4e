import json
from collections.abc import Iterator

import pytest

from tests.turnscribe.live_server import MEETING, LiveScript, live_script, segment, sent
from turnscribe.cli import main

STREAM = {"connection_id": "c", "state": "closed", "segments": 2}
COMPLETE = MEETING | {"complete": True, "streams": [STREAM]}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveScript]:
    monkeypatch.setenv("TURNSCRIBE_TOKEN", "secret")
    with live_script() as running:
        yield running


def watch(script: LiveScript, *options: str) -> int:
    """The exit status."""
    with pytest.raises(SystemExit) as ended:
        main(["watch", "m", "--url", script.url, "--timeout", "2", *options])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_each_utterance_is_a_line_once_it_is_final_until_all_is_there(
    script: LiveScript, capsys: pytest.CaptureFixture[str]
) -> None:
    script.streams(
        b"retry: 1\n\n",
        sent("0-a", "meeting", **MEETING),
        segment("1-a", "c:0:0", "good", final=False),
        segment("2-a", "c:0:0", "good morning"),
        breaks=True,
    )
    script.streams(
        sent("2-a", "meeting", **COMPLETE),
        segment("2-a", "c:0:0", "good morning"),
        segment("3-a", "c:0:65000", "bye", start_ms=65_000),
    )
    assert watch(script) == 0
    assert capsys.readouterr().out.splitlines() == ["00:00 Ada: good morning", "01:05 Ada: bye"]


def test_with_json_every_event_is_a_line(script: LiveScript, capsys: pytest.CaptureFixture[str]) -> None:
    script.streams(segment("1-a", "c:0:0", "hi", final=False), sent("2-a", "deleted", meeting_id="m"))
    assert watch(script, "--json") == 1
    captured = capsys.readouterr()
    events = [json.loads(line) for line in captured.out.splitlines()]
    assert [each["event"] for each in events] == ["SegmentNow", "MeetingDeleted"]
    assert events[0]["utterances"][0]["text"] == "hi"
    assert captured.err == "turnscribe: the meeting was deleted\n"


def test_who_follows_stays_when_the_transcript_is_complete(
    script: LiveScript, capsys: pytest.CaptureFixture[str]
) -> None:
    done = [segment("1-a", "c:0:0", "one"), segment("2-a", "c:0:9000", "two", start_ms=9_000)]
    script.streams(*done, sent("2-a", "meeting", **COMPLETE), sent("3-a", "deleted", meeting_id="m"))
    assert watch(script, "--follow") == 1
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_meeting_that_there_is_not_is_said_so(script: LiveScript, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch(script) == 1
    assert "404" in capsys.readouterr().err
