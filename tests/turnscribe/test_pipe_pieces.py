"""Pipes, cut into pieces."""

import os
import threading
from collections.abc import Iterator

import pytest

from turnscribe.pipe_pieces import MAX_PIECE_BYTES, PipePieces


class Pipes:
    """What is read, and how it is told to stop."""

    def __init__(self) -> None:
        self.fd, self.write_fd = os.pipe()
        self.stop_fd, self.write_stop_fd = os.pipe()
        self._open = {self.fd, self.write_fd, self.stop_fd, self.write_stop_fd}

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.write_fd, view) :]

    def close(self, *fds: int) -> None:
        for fd in fds or list(self._open):
            self._open.discard(fd)
            os.close(fd)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


def all_of(pieces: PipePieces) -> list[bytes]:
    return list(iter(pieces.next_piece, b""))


def test_all_that_came_is_there_in_order(pipes: Pipes) -> None:
    data = os.urandom(3 * MAX_PIECE_BYTES + 5)

    def write() -> None:
        pipes.write(data)
        pipes.close(pipes.write_fd)

    writer = threading.Thread(target=write)
    writer.start()
    pieces = all_of(PipePieces(pipes.fd, pipes.stop_fd, piece_s=60))
    writer.join()
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) == MAX_PIECE_BYTES


def test_what_has_come_does_not_wait_for_more_than_its_time(pipes: Pipes) -> None:
    pieces = PipePieces(pipes.fd, pipes.stop_fd, piece_s=0.05)
    for word in (b"one", b"two"):
        pipes.write(word)
        assert pieces.next_piece() == word


def test_what_comes_within_a_piece_s_time_is_one_piece(pipes: Pipes) -> None:
    now_s = [0.0]
    pieces = PipePieces(pipes.fd, pipes.stop_fd, piece_s=60, monotonic_s=lambda: now_s[0])
    pipes.write(b"one ")
    reader_got: list[bytes] = []
    reader = threading.Thread(target=lambda: reader_got.append(pieces.next_piece()))
    reader.start()
    pipes.write(b"piece")
    pipes.close(pipes.write_fd)
    reader.join()
    assert b"".join([*reader_got, *all_of(pieces)]) == b"one piece"


def test_told_to_stop_it_still_reads_what_is_left(pipes: Pipes) -> None:
    pieces = PipePieces(pipes.fd, pipes.stop_fd, piece_s=60)
    os.write(pipes.write_stop_fd, b".")
    pipes.write(b"last words")
    pipes.close(pipes.write_fd)
    assert all_of(pieces) == [b"last words"]


def test_told_to_stop_it_does_not_wait_for_who_goes_on_writing(pipes: Pipes) -> None:
    pieces = PipePieces(pipes.fd, pipes.stop_fd, piece_s=0.01, rest_s=0.1)
    os.write(pipes.write_stop_fd, b".")
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.001):
            os.write(pipes.write_fd, b"x")

    writer = threading.Thread(target=write)
    writer.start()
    pieces_got = all_of(pieces)
    over.set()
    writer.join()
    assert set(b"".join(pieces_got)) <= set(b"x")


def test_told_to_stop_without_anything_to_read_it_ends(pipes: Pipes) -> None:
    pieces = PipePieces(pipes.fd, pipes.stop_fd, piece_s=60, rest_s=0.05)
    os.write(pipes.write_stop_fd, b".")
    assert pieces.next_piece() == b""
