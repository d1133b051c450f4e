"""What `turnscribe stream` says while it runs."""

import io
from collections.abc import Iterator

import pytest

from tests.turnscribe.conftest import Scripted
from turnscribe.client import Client
from turnscribe.errors import Unauthorized
from turnscribe.live_views import DurableLine, FinalLines, durable
from turnscribe.live_worker import LiveProgress
from turnscribe.transcript_files import NotTranscribed
from turnscribe.transport import RetryPolicy

LIVE = LiveProgress("live", 12, 34_500, 0)
WAITING = LiveProgress("waiting", 12, 34_500, 2_000, "away; next try in 1.0 s")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def client(scripted: Scripted) -> Iterator[Client]:
    with Client(scripted.url, "t", retry=RetryPolicy(give_up_after_s=0), timeout_s=5) as connected:
        yield connected


def utterance(text: str, start_ms: int, *, final: bool = True) -> dict[str, object]:
    return {
        "text": text,
        "start_ms": start_ms,
        "end_ms": start_ms + 1,
        "connection_id": "c",
        "segment_id": f"c:0:{start_ms}",
        "final": final,
        "speaker": "Ann",
    }


def answer(scripted: Scripted, *utterances: dict[str, object], complete: bool = False, connection: str = "c") -> None:
    streams = [{"connection_id": connection, "state": "closed" if complete else "open"}]
    scripted.answer(200, {"meeting_id": "m", "complete": complete, "streams": streams, "utterances": list(utterances)})


def test_what_is_durable_and_what_is_not() -> None:
    assert durable(LIVE) == "12 chunks, 34.5 kB durable"
    assert durable(WAITING) == "12 chunks, 34.5 kB durable, 2.0 kB waiting"


def test_a_terminal_s_line_is_rewritten_once_a_second() -> None:
    out, now_s = Terminal(), [0.0]
    line = DurableLine(out, lambda: now_s[0])
    for _ in range(30):
        line.tell(LIVE)
        now_s[0] += 0.1
    line.end("over")
    assert out.getvalue().count("\r\x1b[Kturnscribe: 12 chunks, 34.5 kB durable") == 3
    assert out.getvalue().endswith("\r\x1b[Kturnscribe: over\n")


def test_elsewhere_only_breaks_are_told() -> None:
    out = io.StringIO()
    line = DurableLine(out)
    for progress in (LIVE, WAITING, LIVE, LIVE):
        line.tell(progress)
    line.end("over")
    assert out.getvalue().splitlines() == [
        "turnscribe: away; next try in 1.0 s (12 chunks, 34.5 kB durable, 2.0 kB waiting)",
        "turnscribe: connected again (12 chunks, 34.5 kB durable)",
        "turnscribe: over",
    ]


def test_each_line_is_printed_once_when_it_is_final(client: Client, scripted: Scripted) -> None:
    scripted.answer(404, {})
    answer(scripted, utterance("hello", 0), utterance("wor", 2_000, final=False))
    scripted.hang_up()
    answer(scripted, utterance("hello", 0), utterance("world", 2_000), complete=True, connection="another")
    answer(scripted, utterance("hello", 0), utterance("world", 2_000), complete=True)
    out, slept = io.StringIO(), list[float]()
    lines = FinalLines(client, "m", "c", out)
    lines.start()
    lines.finish(60, slept.append)
    assert out.getvalue().splitlines() == ["00:00 Ann: hello", "00:02 Ann: world"]


def test_a_transcript_that_does_not_come_is_given_up(client: Client, scripted: Scripted) -> None:
    scripted.answers = [(404, {}, b"{}")] * 20
    now_s = [0.0]

    def sleep(seconds: float) -> None:
        now_s[0] += seconds

    lines = FinalLines(client, "m", "c", io.StringIO())
    lines.start()
    with pytest.raises(NotTranscribed, match="5 s"):
        lines.finish(5, sleep, lambda: now_s[0])


def test_who_may_not_read_learns_it_at_the_end(client: Client, scripted: Scripted) -> None:
    scripted.answers = [(403, {}, b"{}")] * 20
    lines = FinalLines(client, "m", "c", io.StringIO())
    lines.start()
    with pytest.raises(Unauthorized):
        lines.finish(5, lambda _: None)
