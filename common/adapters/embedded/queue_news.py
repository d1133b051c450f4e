"""Tells the dispatcher that another process has published, so that it need not wait until it looks around by itself.

A datagram to a socket that is named after the queue's file: Linux keeps such names in memory, so nothing is left in the folder, and
they are gone with their process. Only a hint: where there is no such socket (another system, containers that share no network) nobody
hears it, and the dispatcher finds the messages when it looks around.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

GATHER_S: Final = 0.03
"""After a hint, those of so long are one: publishers that are in a hurry have their messages leased together, which costs less."""
_PUBLISHED: Final = b"published"
_HINT_BYTES: Final = 16


def _address(path: Path) -> str:
    """The same for every process that has the file open, however it came to it."""
    found = path.stat()
    return f"\0turnscribe-queue-{found.st_dev}-{found.st_ino}"


def _socket() -> socket.socket | None:
    try:
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except (OSError, AttributeError):  # a system without them
        return None


class NewsSender:
    """Of one process that publishes. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._address = _address(path)
        self._socket = _socket()
        if self._socket is not None:
            self._socket.setblocking(False)

    def tell(self) -> None:
        """Something was published. Whatever becomes of it, nobody waits and nothing fails."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # nobody listens, or has not yet heard many others
                self._socket.sendto(_PUBLISHED, self._address)

    def close(self) -> None:
        """Nothing is told any more."""
        if self._socket is not None:
            self._socket.close()


class NewsListener:
    """Of the process that dispatches; calls `told` in a thread of its own. There is one for each queue at a time."""

    def __init__(self, path: Path, told: Callable[[], object]) -> None:
        self._told = told
        self._closed = False
        self._socket = _socket()
        if self._socket is None:
            return
        try:
            self._socket.bind(_address(path))
        except OSError:  # no such names here
            self._socket.close()
            self._socket = None
        else:
            threading.Thread(target=self._run, args=(self._socket,), name="queue-news", daemon=True).start()

    def close(self) -> None:
        """Ends the thread."""
        self._closed = True
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RD)

    def _run(self, hints: socket.socket) -> None:
        with hints:
            while True:
                hints.recv(_HINT_BYTES)
                with contextlib.suppress(BlockingIOError):
                    while not self._closed:
                        hints.recv(_HINT_BYTES, socket.MSG_DONTWAIT)
                if self._closed:
                    return
                self._told()
                time.sleep(GATHER_S)
