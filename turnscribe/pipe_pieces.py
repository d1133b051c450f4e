"""Reading a pipe as it comes: pieces of it, each at most so old and so large. POSIX only."""

import os
import select
import time
from collections.abc import Callable
from typing import Final

MAX_PIECE_BYTES: Final = 256 * 1024


class PipePieces:
    """Cuts what comes through `fd` into pieces. `stop_fd` readable means: read what is left for `rest_s`, and that is all."""

    def __init__(
        self,
        fd: int,
        stop_fd: int,
        *,
        piece_s: float,
        rest_s: float = 2.0,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fd = fd
        self._stop_fd = stop_fd
        self._piece_s = piece_s
        self._rest_s = rest_s
        self._monotonic_s = monotonic_s
        self._held = bytearray()
        self._due_s = 0.0
        """When what is held must go."""
        self._stop_s: float | None = None
        """When nothing more is read; None while nobody has asked to stop."""

    def next_piece(self) -> bytes:
        """The next piece, `piece_s` after its first byte at the latest; empty at the end of the pipe."""
        while len(self._held) < MAX_PIECE_BYTES and not self._is_time():
            if not self._is_readable():
                continue
            data = os.read(self._fd, MAX_PIECE_BYTES - len(self._held))
            if not data:
                break
            if not self._held:
                self._due_s = self._monotonic_s() + self._piece_s
            self._held += data
        piece = bytes(self._held)
        self._held.clear()
        return piece

    def _is_time(self) -> bool:
        """Whether what is held must go, or nothing more is read."""
        now_s = self._monotonic_s()
        return (bool(self._held) and now_s >= self._due_s) or (self._stop_s is not None and now_s >= self._stop_s)

    def _is_readable(self) -> bool:
        """Wait for more, a piece's time, or a wish to stop."""
        watched = [self._fd] if self._stop_s is not None else [self._fd, self._stop_fd]
        times_s = [at_s for at_s in (self._due_s if self._held else None, self._stop_s) if at_s is not None]
        timeout_s = max(0.0, min(times_s) - self._monotonic_s()) if times_s else None
        readable, _, _ = select.select(watched, [], [], timeout_s)
        if self._stop_fd in readable:
            self._stop_s = self._monotonic_s() + self._rest_s  # who writes was told too, and may have its last words
        return self._fd in readable
