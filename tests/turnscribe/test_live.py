"""The live stream against a server that does as it is told, over real sockets."""

import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.turnscribe.websocket_server import ScriptedSockets, Talk, scripted_sockets
from tests.waiting import until
from turnscribe.errors import BadRequest, Conflict, ServerUnreachable, Unauthorized, UnexpectedAnswer
from turnscribe.live import LiveStream, StreamOver
from turnscribe.live_worker import LiveProgress
from turnscribe.speaker_intervals import Interval
from turnscribe.transport import RetryPolicy

QUICK = RetryPolicy(give_up_after_s=30, first_pause_s=0.001, longest_pause_s=0.01)
PIECES = [b"zero", b"one", b"", b"three"]


@pytest.fixture
def server() -> Iterator[ScriptedSockets]:
    with scripted_sockets() as running:
        yield running


def everything(talk: Talk) -> None:
    """A connection as it should be."""
    talk.ready()
    talk.take(len(PIECES) - len(talk.chunks))
    talk.take_end()


def stream_pieces(server: ScriptedSockets, retry: RetryPolicy = QUICK) -> None:
    with LiveStream(server.url, "secret", "m", "c", retry=retry) as live:
        for piece in PIECES:
            live.send(piece)


def test_a_stream_says_what_describes_it_and_sends_in_order(server: ScriptedSockets) -> None:
    server.script = [everything]
    with LiveStream(
        f"{server.url}/",
        "secret",
        "m",
        "c",
        content_type="audio/webm",
        channels="separate",
        channel_speakers=["A", "B"],
        connections="per_participant",
        participant="Ann",
        started_at_ms=1_750_000_000_000,
    ) as live:
        for piece in PIECES:
            live.send(piece)
    assert live.progress == LiveProgress("ended", 4, 12, 0)
    assert server.chunks == dict(enumerate(PIECES))
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer secret"
    assert urlsplit(request.path).path == "/v1/stream"
    assert parse_qs(urlsplit(request.path).query) == {
        "meeting_id": ["m"],
        "connection_id": ["c"],
        "content_type": ["audio/webm"],
        "channels": ["separate"],
        "channel_speakers": ["A,B"],
        "connections": ["per_participant"],
        "participant": ["Ann"],
        "started_at_ms": ["1750000000000"],
    }


def test_a_process_that_comes_later_goes_on_after_what_is_there(server: ScriptedSockets) -> None:
    server.chunks = {0: b"of an earlier", 1: b"process"}

    def later(talk: Talk) -> None:
        talk.ready()
        talk.take(1)
        talk.take_end()

    server.script = [later]
    with LiveStream(server.url, "t", "m", "c") as live:
        live.send(b"two")
    assert server.chunks == {0: b"of an earlier", 1: b"process", 2: b"two"}


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013])
@pytest.mark.parametrize("acknowledged", [0, 2])
def test_a_close_that_passes_is_survived(server: ScriptedSockets, code: int, acknowledged: int) -> None:
    def break_off(talk: Talk) -> None:
        talk.ready()
        talk.take(acknowledged)
        talk.ws.close(code)

    server.script = [break_off, everything]
    stream_pieces(server)
    assert server.chunks == dict(enumerate(PIECES))


def test_a_break_without_a_word_is_survived_even_if_an_ack_was_lost(server: ScriptedSockets) -> None:
    def hang_up(talk: Talk) -> None:
        talk.ready()
        talk.take(1)
        said = talk.hear()
        talk.chunks[said["seq"]] = said["data"]
        talk.ws.socket.close()

    server.script = [hang_up, everything]
    stream_pieces(server)
    assert server.chunks == dict(enumerate(PIECES))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: ScriptedSockets, status: int) -> None:
    server.script = [(status, {"Retry-After": "0"}, b"")] * 2 + [everything]
    stream_pieces(server)
    assert len(server.requests) == 3


def test_a_store_that_is_down_is_waited_for(server: ScriptedSockets) -> None:
    def down(talk: Talk) -> None:
        talk.ready()
        talk.hear()
        talk.refuse(503, 1013, retry_after_s=0)

    server.script = [down, down, everything]
    told: list[LiveProgress] = []
    with LiveStream(server.url, "t", "m", "c", retry=QUICK, progress=told.append) as live:
        for piece in PIECES:
            live.send(piece)
    assert server.chunks == dict(enumerate(PIECES))
    assert sum(progress.state == "waiting" and "D" in progress.detail for progress in told) == 2
    assert told[-1].state == "ended"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadRequest), (401, Unauthorized), (403, Unauthorized), (409, Conflict), (426, BadRequest)],
)
def test_a_refusal_before_the_upgrade_is_final_and_says_why(
    server: ScriptedSockets, status: int, kind: type[BadRequest]
) -> None:
    server.script = [(status, {}, b'{"type":"urn:x","title":"T","detail":"D","field":"language"}')]
    with pytest.raises(kind) as refused:
        stream_pieces(server)
    assert (refused.value.problem.status, refused.value.problem.extra) == (status, {"field": "language"})
    assert len(server.requests) == 1


def test_a_refused_chunk_ends_the_stream_with_the_reason(server: ScriptedSockets) -> None:
    def refuse(talk: Talk) -> None:
        talk.ready()
        talk.hear()
        talk.refuse(409, 1008, seq=0)

    server.script = [refuse]
    live = LiveStream(server.url, "t", "m", "c", retry=QUICK)
    live.send(b"x")
    with pytest.raises(Conflict):
        live.end()
    with pytest.raises(Conflict):
        live.send(b"y")
    live.close()
    assert len(server.requests) == 1


def test_what_is_no_turnscribe_says_so(server: ScriptedSockets) -> None:
    server.script = [lambda talk: talk.say(hello="world")]
    with pytest.raises(UnexpectedAnswer):
        stream_pieces(server)


def test_a_server_that_stays_away_is_given_up(server: ScriptedSockets) -> None:
    server.script = [(503, {}, b"")] * 1_000
    with pytest.raises(ServerUnreachable, match="503"):
        stream_pieces(server, RetryPolicy(give_up_after_s=0.2, first_pause_s=0.01, longest_pause_s=0.05))


def test_a_server_that_takes_nothing_is_given_up_although_it_answers(server: ScriptedSockets) -> None:
    def down(talk: Talk) -> None:
        talk.ready()
        talk.hear()
        talk.refuse(503, 1013)

    server.script = [down] * 1_000
    with pytest.raises(ServerUnreachable, match="1013"):
        stream_pieces(server, RetryPolicy(give_up_after_s=0.2, first_pause_s=0.01, longest_pause_s=0.05))


def test_speakers_are_answered_one_by_one_and_wrong_ones_end_nothing(server: ScriptedSockets) -> None:
    said = []

    def talk(talk: Talk) -> None:
        talk.ready()
        said.append(talk.hear())
        talk.say(type="observed", observation_id="one")
        said.append(talk.hear())
        talk.say(type="problem", problem={"status": 400, "title": "T", "detail": "D"})
        said.append(talk.hear())
        talk.say(type="observed", observation_id="two")
        said.append(talk.hear())
        talk.say(type="ended", last_seq=-1)
        talk.ws.close(1000)

    server.script = [talk]
    with LiveStream(server.url, "t", "m", "c") as live:
        assert live.observe_masks(9_000, [("Ann", "0110")]) == "one"
        with pytest.raises(BadRequest, match="D"):
            live.observe_masks(9_000, [("Ann", "012")])
        assert live.observe_intervals([Interval("Ann", 1, 2)], covered_from_ms=0, covered_to_ms=10) == "two"
    assert said[0] == {"type": "speakers", "ts_ms": 9_000, "bit_ms": 100, "masks": [["Ann", "0110"]]}
    assert said[2]["intervals"] == [{"speaker": "Ann", "start_ms": 1, "end_ms": 2}]
    assert said[3] == {"type": "end", "last_seq": -1, "observations": 2}


def test_who_sends_faster_than_the_server_stores_is_held_back(server: ScriptedSockets) -> None:
    go_on = threading.Event()
    taken = threading.Semaphore(0)

    def slow(talk: Talk) -> None:
        talk.ready()
        assert go_on.wait(30)
        talk.take(6)
        talk.take_end()

    server.script = [slow]
    live = LiveStream(server.url, "t", "m", "c", max_waiting_bytes=30)

    def sender() -> None:
        for number in range(6):
            live.send(bytes([number]) * 10)
            taken.release()

    thread = threading.Thread(target=sender)
    thread.start()
    for _ in range(3):
        assert taken.acquire(timeout=30)
    assert not taken.acquire(timeout=0.1)
    assert live.progress.waiting_bytes == 30
    go_on.set()
    thread.join(30)
    live.end()
    assert server.chunks == {number: bytes([number]) * 10 for number in range(6)}


def test_closed_without_an_end_it_can_go_on_later(server: ScriptedSockets) -> None:
    def begin(talk: Talk) -> None:
        talk.ready()
        talk.take(1)
        talk.ws.recv()

    server.script = [begin, everything]
    live = LiveStream(server.url, "t", "m", "c")
    live.send(PIECES[0])
    until(lambda: live.progress.durable_chunks == 1)
    with pytest.raises(KeyError), live:
        raise KeyError
    with LiveStream(server.url, "t", "m", "c") as live:
        for piece in PIECES[1:]:
            live.send(piece)
    assert server.chunks == dict(enumerate(PIECES))


def test_a_stream_that_is_over_takes_nothing(server: ScriptedSockets) -> None:
    server.script = [everything]
    live = LiveStream(server.url, "t", "m", "c")
    for piece in PIECES:
        live.send(piece)
    live.end()
    for call in (lambda: live.send(b"x"), live.end, lambda: live.observe_masks(1, [])):
        with pytest.raises(StreamOver):
            call()
    live.close()


def test_it_can_be_closed_while_the_server_reads_nothing(server: ScriptedSockets) -> None:
    go_on = threading.Event()

    def deaf(talk: Talk) -> None:
        talk.ready()
        go_on.wait(30)

    server.script = [deaf]
    live = LiveStream(server.url, "t", "m", "c", max_waiting_bytes=200 * 1024**2)
    for _ in range(100):
        live.send(bytes(1024**2))
    seen = [-1]

    def is_stuck() -> bool:
        seen.append(live._worker.outbox._sent)
        return seen[-1] == seen[-2] > 0

    until(is_stuck, every_s=0.2)
    assert seen[-1] < 100
    live.close()
    go_on.set()
    with pytest.raises(StreamOver):
        live.send(b"x")


def test_nobody_waits_for_an_answer_that_cannot_come(server: ScriptedSockets) -> None:
    server.script = [lambda talk: (talk.ready(), talk.hear(), talk.ws.recv())]  # type: ignore[list-item, func-returns-value]  # one after the other
    live = LiveStream(server.url, "t", "m", "c")
    closer = threading.Timer(0.1, live.close)
    closer.start()
    with pytest.raises(StreamOver, match="closed before"):
        live.observe_masks(1_750_000_000_000, [])
    closer.join()
