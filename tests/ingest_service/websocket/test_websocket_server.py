"""The real thing: websockets' own client against gunicorn, over TCP."""

import contextlib
import http.client
import json
import random
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close, Frame, Opcode
from websockets.sync.client import ClientConnection

from tests.ingest_service.websocket.ingest_process import AUTHORIZED, IngestProcess

LIMIT = 4_096_000
PLACES = 8


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestProcess]:
    settings = {"GUNICORN_THREADS": str(2 * PLACES), "MAX_CHUNK_BYTES": str(LIMIT)}
    with IngestProcess(tmp_path_factory.mktemp("data"), **settings) as running:
        yield running


def received(ws: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(ws.recv(timeout=30))
    return message


def send(ws: ClientConnection, seq: int, data: bytes) -> None:
    ws.send(json.dumps({"type": "chunk", "seq": seq, "captured_at_ms": 1_750_000_000_000 + seq}))
    ws.send(data)


def closed(ws: ClientConnection) -> tuple[int, str]:
    """Code and reason of the server's close frame, which must come next."""
    with pytest.raises(ConnectionClosed) as end:
        ws.recv(timeout=30)
    assert end.value.rcvd is not None
    return end.value.rcvd.code, end.value.rcvd.reason


def put(ingest: IngestProcess, path: str) -> int:
    connection = http.client.HTTPConnection(*ingest.address, timeout=30)
    connection.request("PUT", path, body=b"x", headers=AUTHORIZED)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_stream_from_its_first_chunk_to_its_end(ingest: IngestProcess) -> None:
    random_ = random.Random(4)
    chunks = [random_.randbytes(size) for size in (1, 0, 70_000, 1_000_000, LIMIT)]
    with ingest.open("whole", query="&content_type=audio/pcm;rate=16000&language=en") as ws:
        assert (received(ws)["type"], ws.response.headers.get("Sec-WebSocket-Extensions")) == ("ready", None)  # type: ignore[union-attr]  # it has been received
        for seq, chunk in enumerate(chunks):
            send(ws, seq, chunk)
            assert received(ws) == {"type": "ack", "seq": seq, "next_seq": seq + 1}
        ws.send('{"type":"speakers","ts_ms":1750000009000,"masks":[["Ann","01"]]}')
        assert received(ws)["type"] == "observed"
        ws.send('{"type":"end","observations":1}')
        assert received(ws) == {"type": "ended", "connection_id": "whole", "last_seq": 4, "observations": 1}
        assert closed(ws)[0] == 1000
    assert ingest.stored("whole") == dict(enumerate(chunks))


def test_everything_may_be_sent_before_the_first_answer_is_read(ingest: IngestProcess) -> None:
    with ingest.open("ahead") as ws:
        for seq in range(200):
            send(ws, seq, b"x" * seq)
        assert received(ws)["type"] == "ready"
        assert [received(ws)["seq"] for _ in range(200)] == list(range(200))
    assert ingest.stored("ahead") == {seq: b"x" * seq for seq in range(200)}


def test_a_message_may_come_in_fragments_with_pings_between_them(ingest: IngestProcess) -> None:
    with ingest.open("fragments") as ws:
        received(ws)

        def slowly() -> Iterator[bytes]:
            for byte in b"\xff\xfe\xfd":
                assert ws.ping().wait(30)
                yield bytes([byte]) * 10_000

        ws.send(slowly())
        assert received(ws)["type"] == "ack"
    assert ingest.stored("fragments") == {0: b"\xff" * 10_000 + b"\xfe" * 10_000 + b"\xfd" * 10_000}


@pytest.mark.parametrize("in_fragments", [False, True])
def test_a_message_above_the_limit_is_closed_and_nothing_stored(ingest: IngestProcess, in_fragments: bool) -> None:
    with ingest.open("oversized") as ws:
        received(ws)
        with contextlib.suppress(ConnectionClosed):  # the server need not read what it has refused
            ws.send([bytes(LIMIT), b"x"] if in_fragments else bytes(LIMIT + 1))
        assert closed(ws)[0] == 1009
    assert ingest.stored("oversized") == {}


@pytest.mark.parametrize(("text", "code"), [("{", 1007), ('{"type":"hello"}', 1003), ('{"type":"chunk"}', 1007)])
def test_garbage_is_named_and_closed(ingest: IngestProcess, text: str, code: int) -> None:
    with ingest.open("garbage") as ws:
        received(ws)
        ws.send(text)
        problem = received(ws)
        assert (problem["type"], problem["problem"]["status"]) == ("problem", 400)
        assert closed(ws)[0] == code


def test_a_frame_that_is_none_is_closed(ingest: IngestProcess) -> None:
    with ingest.open("noise") as ws:
        received(ws)
        ws.socket.sendall(b"\xff" * 100)
        assert closed(ws)[0] == 1002


def test_after_the_last_frame_nothing_is_written_and_the_connection_is_closed(ingest: IngestProcess) -> None:
    """The server around the service must not answer what was answered."""
    with socket.create_connection(ingest.address, timeout=30) as client:
        lines = [
            "GET /v1/stream?meeting_id=m1&connection_id=raw&token=t HTTP/1.1",
            "Host: x",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]
        client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while b'"recommended_chunk_ms"' not in answer:
            answer += client.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 101 ")
        client.sendall(Frame(Opcode.CLOSE, Close(1000, "").serialize()).serialize(mask=True))
        rest = b"".join(iter(lambda: client.recv(65_536), b""))
        assert rest == Frame(Opcode.CLOSE, Close(1000, "").serialize()).serialize(mask=False)


def test_unmasked_frames_are_refused_as_the_rfc_wants(ingest: IngestProcess) -> None:
    with ingest.open("unmasked") as ws:
        received(ws)
        ws.socket.sendall(Frame(Opcode.BINARY, b"x").serialize(mask=False))
        assert closed(ws)[0] == 1002
    assert ingest.stored("unmasked") == {}


def test_wrong_speakers_do_not_end_the_stream(ingest: IngestProcess) -> None:
    with ingest.open("wrong-speakers") as ws:
        received(ws)
        ws.send('{"type":"speakers","ts_ms":1750000009000,"masks":[["Ann","012"]]}')
        assert received(ws)["problem"]["status"] == 400
        ws.send(b"goes on")
        assert received(ws)["type"] == "ack"


@pytest.mark.parametrize(
    ("query", "status"), [("&language=english!", 400), ("&meeting_id=m2", 400), ("&unknown=1", 400)]
)
def test_a_refusal_before_the_upgrade_is_an_answer_with_a_body(ingest: IngestProcess, query: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, ingest.open("c", query=query):
        pass
    response = refused.value.response
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(response.body or b"")["field"]


def test_without_an_upgrade_it_says_what_it_is_and_the_connection_stays(ingest: IngestProcess) -> None:
    connection = http.client.HTTPConnection(*ingest.address, timeout=30)
    for _ in range(2):
        connection.request("GET", "/v1/stream?meeting_id=m&connection_id=c", headers=AUTHORIZED)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")
        assert json.loads(answer.read())["type"] == "urn:turnscribe:problem:upgrade-required"
    connection.close()


def test_eight_streams_at_once_and_ordinary_requests_beside_them(ingest: IngestProcess) -> None:
    random_ = random.Random(7)
    sent = {f"many-{number}": [random_.randbytes(20_000) for _ in range(30)] for number in range(PLACES)}

    def stream(connection_id: str) -> None:
        with ingest.open(connection_id) as ws:
            received(ws)
            for seq, chunk in enumerate(sent[connection_id]):
                send(ws, seq, chunk)
            assert [received(ws)["next_seq"] for _ in range(30)] == list(range(1, 31))

    with ThreadPoolExecutor(PLACES) as pool:
        done = [pool.submit(stream, connection_id) for connection_id in sent]
        assert put(ingest, "/v1/streams/beside/chunks/0?meeting_id=m1") == 201
        for each in done:
            each.result()
    for connection_id, chunks in sent.items():
        assert ingest.stored(connection_id) == dict(enumerate(chunks))


def test_when_all_places_are_taken_the_next_is_told_when_to_come_and_others_are_served(ingest: IngestProcess) -> None:
    with ExitStack() as opened:
        for number in range(PLACES):
            received(opened.enter_context(ingest.open(f"place-{number}")))
        with pytest.raises(InvalidStatus) as refused, ingest.open("one-more"):
            pass
        assert refused.value.response.status_code == 429
        assert int(refused.value.response.headers["Retry-After"]) >= 1
        for seq in range(PLACES):
            assert put(ingest, f"/v1/streams/served/chunks/{seq}?meeting_id=m1") == 201


def test_who_sent_what_stands_in_the_log_without_content(ingest: IngestProcess) -> None:
    with ingest.open("logged", query="&token=secret") as ws:
        received(ws)
        ws.send(b"four")
        received(ws)
        ws.close(1001)
    with ingest.open("logged-later") as ws:
        received(ws)
        ws.socket.shutdown(socket.SHUT_RDWR)
    with ingest.open("to-wait-for") as ws:
        received(ws)
        assert put(ingest, "/v1/streams/to-wait-for/chunks/0?meeting_id=m1") == 201
    ended = {
        line["connection_id"]: line
        for line in ingest.log_lines("request")
        if line["route"] == "/v1/stream" and "chunks" in line
    }
    line = ended["logged"]
    assert (line["status"], line["meeting_id"], line["chunks"], line["bytes"], line["close_code"]) == (
        101,
        "m1",
        1,
        4,
        1001,
    )
    assert "secret" not in json.dumps(ingest.log_lines("request"))
    assert ingest.log_lines("unhandled_error") == []


def test_killed_in_mid_stream_it_goes_on_where_it_was(tmp_path: Path) -> None:
    random_ = random.Random(11)
    chunks = [random_.randbytes(random_.randrange(30_000)) for _ in range(120)]
    with IngestProcess(tmp_path) as ingest:
        acknowledged = -1
        kills = 0
        for _ in range(30):
            with ingest.open("killed") as ws:
                ready = received(ws)
                assert ready["missing"] == []
                assert ready["next_seq"] == ready["free_seq"] > acknowledged
                if ready["next_seq"] == len(chunks):
                    break
                try:
                    for seq in range(ready["next_seq"], len(chunks)):
                        send(ws, seq, chunks[seq])
                    for count in range(len(chunks) - ready["next_seq"]):
                        if count == 20 and kills < 4:
                            kills += 1
                            ingest.kill()
                            ingest.start()
                        acknowledged = received(ws)["seq"]
                except ConnectionClosed:
                    pass
        assert kills == 4
        assert ingest.stored("killed") == dict(enumerate(chunks))


def test_on_sigterm_streams_are_sent_to_the_next_server_at_once(tmp_path: Path) -> None:
    ingest = IngestProcess(tmp_path)
    with ingest, ingest.open("idle") as idle, ingest.open("busy") as busy:
        for ws in (idle, busy):
            received(ws)
        busy.send(b"zero")
        assert received(busy)["next_seq"] == 1
        ingest.process.send_signal(signal.SIGTERM)
        assert closed(idle)[0] == closed(busy)[0] == 1012
        assert ingest.process.wait(30) == 0
    assert ingest.stored("busy") == {0: b"zero"}


def test_an_old_stream_is_asked_to_reconnect(tmp_path: Path) -> None:
    with IngestProcess(tmp_path, WEBSOCKET_MAX_SEC="0.1") as ingest, ingest.open("old") as ws:
        received(ws)
        assert closed(ws) == (1001, "reconnect")
