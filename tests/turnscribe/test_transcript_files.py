from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.turnscribe.conftest import Scripted
from turnscribe.client import Client
from turnscribe.transcript_files import NotTranscribed, wait_until_transcribed, write_transcript
from turnscribe.transport import RetryPolicy


class Time:
    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def monotonic_s(self) -> float:
        return self.now_s


@pytest.fixture
def client(scripted: Scripted) -> Iterator[Client]:
    with Client(scripted.url, "t", retry=RetryPolicy(give_up_after_s=0)) as made:
        yield made


def transcript(complete: bool, *connections: str, finals: int = 0, state: str = "open") -> dict[str, object]:
    said = {"text": "hi", "start_ms": 0, "end_ms": 1, "connection_id": "c", "segment_id": "c:0:0", "final": True}
    streams = [{"connection_id": each, "state": state} for each in connections]
    return {"meeting_id": "m", "complete": complete, "streams": streams, "utterances": [said] * finals}


def wait(client: Client, time: Time, timeout_s: float = 5.0) -> list[str]:
    ready: list[str] = []
    wait_until_transcribed(
        client,
        {"m": {"c1", "c2"}},
        timeout_s=timeout_s,
        ready=ready.append,
        sleep=time.sleep,
        monotonic_s=time.monotonic_s,
    )
    return ready


def test_a_meeting_is_ready_once_all_of_its_connections_are_in_it(client: Client, scripted: Scripted) -> None:
    scripted.answer(404, {})
    scripted.answer(200, transcript(True, "earlier"))
    scripted.answer(200, transcript(True, "earlier", "c1"))
    scripted.answer(200, transcript(False, "earlier", "c1", "c2"))
    scripted.answer(200, transcript(True, "earlier", "c1", "c2"))
    assert wait(client, Time()) == ["m"]
    assert scripted.answers == []


def test_as_long_as_something_changes_it_is_waited_for(client: Client, scripted: Scripted) -> None:
    for finals in range(20):
        for _ in range(4):
            scripted.answer(200, transcript(False, "c1", "c2", finals=finals))
    scripted.answer(200, transcript(False, "c1", "c2", finals=19, state="closed"))
    scripted.answer(200, transcript(True, "c1", "c2", finals=19, state="closed"))
    time = Time()
    assert wait(client, time) == ["m"]
    assert time.now_s > 5


def test_when_nothing_changes_it_ends_and_names_the_meeting(client: Client, scripted: Scripted) -> None:
    for _ in range(20):
        scripted.answer(404, {})
    with pytest.raises(NotTranscribed, match="5 s without any change: m;"):
        wait(client, Time())


def test_a_transcript_is_written_as_the_server_writes_it(client: Client, scripted: Scripted, tmp_path: Path) -> None:
    scripted.answers.append((200, {"Content-Type": "text/plain"}, b"A: h\xc3\xb6\n"))
    path = write_transcript(client, "m", "text", tmp_path / "new" / "folder")
    assert (path.name, path.read_bytes()) == ("m.txt", b"A: h\xc3\xb6\n")
    assert scripted.requests[0].path == "/v1/meetings/m/transcript?format=text"
