"""One POST over real sockets: whatever the other side does, it ends, and it goes where it was checked to go."""

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import issued
from tests.transcribe_service.delivery.receiving_server import (
    OK,
    Behaviour,
    answering,
    drips,
    drips_its_body,
    floods,
    goes_on_for_ever,
    hangs,
    receiving,
)
from transcribe_service.delivery.post import READ_BYTES, BoundedPoster, Posted, PostFailed

SHORT_S = 0.4


def poster(**said: Any) -> BoundedPoster:
    return BoundedPoster(**{"allow_private": True, "connect_s": 2.0, "total_s": 5.0, **said})


def meaning(address: str) -> Any:
    """A lookup by which every name is this address."""
    return lambda _host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


def test_what_is_posted_arrives_as_it_is() -> None:
    with receiving() as server:
        assert poster().post(server.url, {"webhook-id": "msg_1"}, b'{"a": 1}') == Posted(200, None)
    ((head, _, body),) = [request.partition(b"\r\n\r\n") for request in server.requests]
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook?a=b HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "webhook-id: msg_1" in lines
    assert "Content-Type: application/json" in lines
    assert len([line for line in lines if line.lower().startswith("host:")]) == 1
    assert body == b'{"a": 1}'


def test_a_redirect_is_not_followed() -> None:
    with receiving() as other:
        location = other.url.encode()
        moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
        with receiving(answering(moved)) as server:
            assert poster().post(server.url, {}, b"{}").status == 307
    assert other.requests == []


def test_retry_after_is_told() -> None:
    with receiving(answering(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")) as server:
        assert poster().post(server.url, {}, b"{}") == Posted(503, "7")


@pytest.mark.parametrize("behaviour", [hangs, drips, goes_on_for_ever])
def test_who_does_not_come_to_an_end_is_cut_off(behaviour: Behaviour) -> None:
    with receiving(behaviour) as server:
        began_s = time.monotonic()
        with pytest.raises(PostFailed) as failed:
            poster(total_s=SHORT_S).post(server.url, {}, b"{}")
        assert time.monotonic() - began_s >= SHORT_S * 0.9
    assert failed.value.reason == "timeout"


def test_an_answer_that_does_not_come_to_an_end_is_an_answer_all_the_same() -> None:
    with receiving(drips_its_body) as server:
        began_s = time.monotonic()
        assert poster(total_s=SHORT_S).post(server.url, {}, b"{}").status == 200
        assert time.monotonic() - began_s < 5


def test_of_an_endless_answer_little_is_read() -> None:
    assert READ_BYTES < 10_000
    with receiving(floods) as server:
        assert poster().post(server.url, {}, b"{}").status == 200


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000]
)
def test_what_is_no_answer_is_a_failure(raw: bytes) -> None:
    with receiving(answering(raw)) as server, pytest.raises(PostFailed) as failed:
        poster().post(server.url, {}, b"{}")
    assert failed.value.reason == "no_answer"


def test_where_nobody_listens_there_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(PostFailed) as failed:
        poster().post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert failed.value.reason == "no_connection"


def test_a_private_address_is_not_even_connected_to() -> None:
    with receiving() as server:
        for url in (f"https://127.0.0.1:{server.port}/", f"https://localhost:{server.port}/"):
            with pytest.raises(PostFailed) as failed:
                poster(allow_private=False).post(url, {}, b"{}")
            assert failed.value.reason == "private_address"
        with pytest.raises(PostFailed) as failed:
            poster(allow_private=False).post(server.url, {}, b"{}")
        assert failed.value.reason == "not_https"
    assert server.requests == []


def test_a_name_that_means_something_else_a_moment_later_is_looked_up_once() -> None:
    """DNS rebinding: the first answer is public, every later one is this machine."""
    answers = ["203.0.114.1", "127.0.0.1", "127.0.0.1"]
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    with receiving() as server, pytest.raises(PostFailed):
        poster(allow_private=False, lookup=rebinding, connect_s=0.3, total_s=0.5).post(
            f"https://rebind.test:{server.port}/", {}, b"{}"
        )
    assert asked == ["rebind.test"]
    assert server.requests == []


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The contexts of a server called hooks.test and of a client that trusts it."""
    pem, key_pem = issued("hooks.test").write(tmp_path, "server")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, key_pem)
    return server, ssl.create_default_context(cafile=str(pem))


def test_over_tls_it_connects_to_the_address_and_asks_for_the_name(
    certified: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server_side, client_side = certified
    with receiving(OK, server_side) as server:
        posting = poster(lookup=meaning("127.0.0.1"), tls=client_side)
        assert posting.post(f"https://hooks.test:{server.port}/x", {}, b"{}").status == 200
    assert server.names == ["hooks.test"]
    assert f"Host: hooks.test:{server.port}".encode() in server.requests[0]


@pytest.mark.parametrize("trusting", [True, False])
def test_over_tls_the_certificate_must_be_trusted_and_the_name_s_own(
    certified: tuple[ssl.SSLContext, ssl.SSLContext], trusting: bool
) -> None:
    server_side, client_side = certified
    host = "other.test" if trusting else "hooks.test"
    with receiving(OK, server_side) as server:
        posting = poster(lookup=meaning("127.0.0.1"), tls=client_side if trusting else None)
        with pytest.raises(PostFailed) as failed:
            posting.post(f"https://{host}:{server.port}/x", {}, b"{}")
    assert failed.value.reason == "tls_failed"
    assert server.requests == []
