"""Connections that send a byte now and then, against ingest under the gunicorn of its image: whoever else uploads is served.

Each test opens several times as many of them as there are threads, and then uploads as anybody does. A server whose threads they hold
does not answer before they are closed, which is after the test.
"""

import json
import re
import select
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest

from tests.hostile.conftest import Runner
from tests.hostile.raw import PATIENCE_S, asked, head, opened, read_answer
from tests.ingest_service.websocket.ingest_process import TOKEN, IngestProcess

pytestmark = pytest.mark.timeout(180)
MANY = 40
BEARER = f"Authorization: Bearer {TOKEN}"
CHUNK = "/v1/streams/slow/chunks/0?meeting_id=m"
_names = count()


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestProcess]:
    with IngestProcess(tmp_path_factory.mktemp("data"), TENANT_CONCURRENT_REQUESTS="4") as running:
        yield running


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestProcess]:
    """Of four threads and fifty connections."""
    own = {"GUNICORN_THREADS": "4", "GUNICORN_CMD_ARGS": "--worker-connections 50"}
    with IngestProcess(tmp_path_factory.mktemp("data"), **own) as running:
        yield running


def uploaded(ingest: IngestProcess, authorization: str = BEARER) -> int:
    """The status of an upload of a connection of its own."""
    path = f"/v1/streams/c{next(_names)}/chunks/0?meeting_id=m"
    return asked(ingest.address, "PUT", path, authorization, body=b"RIFFwhatever").status


def token_of(ingest: IngestProcess, tenant: str) -> str:
    body = json.dumps({"tenant": tenant, "scopes": ["ingest"]}).encode()
    made = asked(ingest.address, "POST", "/v1/tokens", BEARER, "Content-Type: application/json", body=body)
    assert made.status == 201, made
    return f"Authorization: Bearer {made.json['token']}"


WITHOUT_A_TOKEN = {
    "nothing at all": b"",
    "half a request line": b"PUT /v1/str",
    "half a head": b"PUT /v1/streams/a/chunks/0 HTTP/1.1\r\nHost: x\r\n",
    "empty lines": b"\r\n\r\n\r\n",
    "a head and little of its body": head("PUT", CHUNK, "Content-Length: 100000") + b"x",
    "a head and half a piece of its body": head("PUT", CHUNK, "Transfer-Encoding: chunked") + b"ff\r\nx",
    "a push and little of its body": head("POST", "/push/audio-uploads", "Content-Length: 100000") + b"x",
    "a whole request, and the next one's beginning": head("GET", "/health") + b"GET /hea",
    "a request, and no end of the connection": head("GET", "/health", "Connection: close"),
    "a handshake of no WebSocket": head("GET", "/v1/stream", "Upgrade: websocket", "Connection: Upgrade"),
}


@pytest.mark.parametrize("what", WITHOUT_A_TOKEN)
def test_who_has_no_token_keeps_nobody_from_uploading(ingest: IngestProcess, what: str) -> None:
    with opened(ingest.address, MANY, WITHOUT_A_TOKEN[what]):
        assert uploaded(ingest) == 201
        assert uploaded(ingest) == 201


def test_a_tenant_at_his_limit_keeps_no_other_from_uploading(ingest: IngestProcess) -> None:
    slow, other = token_of(ingest, "slow"), token_of(ingest, "other")
    with opened(ingest.address, MANY, head("PUT", CHUNK, slow, "Content-Length: 100000") + b"x") as held:
        assert uploaded(ingest, other) == 201
        assert uploaded(ingest) == 201
        refused = read_answer(held[-1])
        assert (refused.status, refused.json["type"]) == (429, "urn:turnscribe:problem:too-many-requests")
        assert int(refused.header("Retry-After")) >= 1


@pytest.mark.slow
def test_slow_bodies_give_way_where_others_wait_and_are_told_to_come_again(small: IngestProcess) -> None:
    with opened(small.address, 12, head("PUT", CHUNK, BEARER, "Content-Length: 100000") + b"x") as held:
        assert uploaded(small) == 201
        answered, _, _ = select.select(held, [], [], PATIENCE_S)
        told = read_answer(answered[0])
    assert (told.status, told.json["type"]) == (429, "urn:turnscribe:problem:too-many-requests")
    assert "Retry-After" in told.headers
    assert small.stored("slow") == {}
    assert uploaded(small) == 201


def test_more_connections_than_the_server_takes_make_room_for_the_next(small: IngestProcess) -> None:
    assert uploaded(small) == 201
    with opened(small.address, 120, b"PUT /v1/streams"):
        assert uploaded(small) == 201


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 70_000, 414),
        (head("GET", "/health").removesuffix(b"\r\n") + b"X-Much: " + b"a" * 70_000, 431),
        (b"\r\n\r\n" + head("GET", "/health"), 200),
    ],
)
def test_a_head_is_read_to_its_end_or_to_a_limit(ingest: IngestProcess, sent: bytes, status: int) -> None:
    with opened(ingest.address, 1, sent) as (sock,):
        assert read_answer(sock).status == status


def test_a_head_may_come_byte_by_byte_and_two_requests_at_once(ingest: IngestProcess) -> None:
    request = head("GET", "/health")
    with opened(ingest.address, 1, b"") as (sock,):
        for at in range(len(request)):
            sock.sendall(request[at : at + 1])
        assert read_answer(sock).status == 200
        chunk = head("PUT", "/v1/streams/both/chunks/0?meeting_id=m", BEARER, "Content-Length: 4") + b"RIFF"
        sock.sendall(chunk + head("GET", "/health", "Connection: close"))
        with sock.makefile("rb") as answers:
            assert re.findall(rb"HTTP/1\.1 (\d+)", answers.read()) == [b"201", b"200"]


def test_web_sockets_that_send_half_a_frame_leave_others_their_uploads(ingest: IngestProcess) -> None:
    slow, other = token_of(ingest, "half"), token_of(ingest, "other")
    upgrade = (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    with opened(ingest.address, MANY, head("GET", "/v1/stream?meeting_id=m&connection_id=w", slow, *upgrade)) as held:
        for sock in held:
            with suppress(ConnectionError):
                sock.sendall(b"\x82\xfe\xff\xff")
        assert uploaded(ingest, other) == 201
        assert uploaded(ingest, slow) == 429, "the tenant has as many requests in work as it may"


def test_a_runner_serves_on_beside_heads_that_do_not_end_and_readers_that_never_read(runner: Runner) -> None:
    assert runner.asked("PUT", "/v1/streams/watched/chunks/0?meeting_id=watched", body=b"RIFFx").status == 201
    live = head("GET", "/v1/meetings/watched/live", runner.bearer())
    with opened(runner.address, 120, b"GET /v1/meet"), opened(runner.address, 60, live):
        assert runner.asked("PUT", "/v1/streams/beside/chunks/0?meeting_id=watched", body=b"RIFFx").status == 201
        assert runner.asked("GET", "/v1/meetings").status == 200
