"""Ctrl-C for commands that read a pipe: the first asks to come to an end, the second gives up."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopSignals:
    """What Ctrl-C and SIGTERM do: the first makes `fd` readable, the second raises `KeyboardInterrupt`."""

    def __init__(self, fd: int, write_fd: int) -> None:
        self.fd = fd
        self._write_fd = write_fd
        self._gives_up = False

    def once_more_gives_up(self) -> None:
        """There is nothing left to be read: the next signal raises."""
        self._gives_up = True

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """The signal handler."""
        if self._gives_up:
            raise KeyboardInterrupt
        self._gives_up = True
        os.write(self._write_fd, b".")


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """In the main thread."""
    fd, write_fd = os.pipe()
    stop = StopSignals(fd, write_fd)
    before = {number: signal.signal(number, stop.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(fd)
        os.close(write_fd)
