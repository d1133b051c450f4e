"""What is refused before the upgrade is an ordinary answer with problem details."""

import socket
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from common.health import Drain
from ingest_service.http.limits import TenantLimits
from ingest_service.websocket.stream_socket import hold_back
from tests.clocks import FakeClock
from tests.ingest_service.fakes import AUTHORIZED, Ingest, problem

UPGRADE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
PATH = "/v1/stream?meeting_id=m1&connection_id=c1"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def get(ingest: Ingest, path: str = PATH, sock: socket.socket | None = None, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    environ = {"gunicorn.socket": sock} if sock else {}
    return ingest.client.get(path, headers={**AUTHORIZED, **UPGRADE, **named}, environ_overrides=environ)


def test_a_request_without_upgrade_is_told_what_this_is(ingest: Ingest) -> None:
    answer = ingest.client.get(PATH, headers=AUTHORIZED)
    assert problem(answer)[:2] == (426, "upgrade-required")
    assert (answer.headers["Upgrade"], answer.headers["Sec-WebSocket-Version"]) == ("websocket", "13")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upgrade": "h2c"}, 426),
        ({"Connection": "close"}, 426),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==,again"}, 400),
    ],
)
def test_a_handshake_that_is_none_is_refused(ingest: Ingest, headers: dict[str, str], status: int) -> None:
    assert problem(get(ingest, **headers))[0] == status


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/stream?connection_id=c1", "meeting_id"),
        ("/v1/stream?meeting_id=m1", "connection_id"),
        ("/v1/stream?meeting_id=m1&connection_id=..%2Fx", "connection_id"),
        (f"{PATH}&language=english!", "language"),
        (f"{PATH}&channels=both", "channels"),
        (f"{PATH}&started_at_ms=5", "started_at_ms"),
        (f"{PATH}&capturedat=5", "capturedat"),
        (f"{PATH}&meeting_id=m2", "meeting_id"),
    ],
)
def test_wrong_parameters_are_named(ingest: Ingest, path: str, field: str) -> None:
    answer = get(ingest, path)
    assert problem(answer)[0] == 400
    assert answer.get_json(force=True)["field"] == field


def test_who_has_no_token_learns_nothing_else(ingest: Ingest) -> None:
    assert ingest.client.get("/v1/stream?x=y", headers=UPGRADE).status_code == 401
    assert get(ingest, Authorization="Bearer wrong").status_code == 401


def test_another_meeting_s_connection_is_refused(ingest: Ingest, ends: tuple[socket.socket, socket.socket]) -> None:
    ingest.put(0, b"x", meeting="m2")
    assert problem(get(ingest, sock=ends[0]))[:2] == (409, "connection-of-another-meeting")


def test_a_server_that_stops_opens_nothing(ingest: Ingest, ends: tuple[socket.socket, socket.socket]) -> None:
    ingest.drain.start()
    answer = get(ingest, sock=ends[0])
    assert problem(answer)[:2] == (503, "restarting")
    assert answer.headers["Retry-After"] == "1"


def test_a_server_that_keeps_its_sockets_says_so(ingest: Ingest) -> None:
    assert problem(get(ingest))[:2] == (501, "no-websockets")


def test_the_upgrade_is_answered_and_the_rest_left_to_the_socket(
    ingest: Ingest, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = ends
    theirs.shutdown(socket.SHUT_WR)  # hangs up at once
    with pytest.raises(StopIteration):  # which is how gunicorn learns that there is nothing to answer
        get(ingest, f"{PATH}&token=unused&content_type=audio/webm", sock=ours)
    ours.close()
    received = b"".join(iter(lambda: theirs.recv(65_536), b""))
    head, _, frames = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert b"permessage-deflate" not in head
    assert b'{"type":"ready"' in frames


def test_a_tenant_s_messages_count_as_requests_and_are_held_back_not_refused() -> None:
    clock = FakeClock()
    limits = TenantLimits(clock, requests_per_s=2, concurrent_requests=0)
    waited: list[float] = []

    class Waiting(Drain):
        def wait(self, timeout_s: float) -> bool:
            waited.append(timeout_s)
            clock.advance(timeout_s)
            return self.started

    drain = Waiting()
    for _ in range(4):
        hold_back(limits, "t", drain)
    assert waited == []
    hold_back(limits, "t", drain)
    assert sum(waited) == pytest.approx(0.5, abs=0.01)
    hold_back(limits, "another", drain)
    assert sum(waited) == pytest.approx(0.5, abs=0.01)
    drain.start()
    hold_back(limits, "t", drain)


def test_without_a_limit_nobody_is_held_back() -> None:
    limits = TenantLimits(FakeClock(), requests_per_s=0, concurrent_requests=0)
    assert limits.wait_s("t") == 0
