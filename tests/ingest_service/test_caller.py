import socket
from collections.abc import Iterator

import pytest

from ingest_service.http.caller import is_gone


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_caller_is_there_until_its_connection_is_closed(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    assert not is_gone({"gunicorn.socket": ours})
    theirs.close()
    assert is_gone({"gunicorn.socket": ours})


def test_nothing_is_taken_of_what_the_caller_sends_next(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    theirs.sendall(b"GET /next")
    assert not is_gone({"gunicorn.socket": ours})
    assert ours.recv(100) == b"GET /next"


def test_a_broken_connection_is_closed() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()
    assert is_gone({"gunicorn.socket": ours})


def test_a_server_that_keeps_its_socket_to_itself_is_waited_for() -> None:
    assert not is_gone({})
