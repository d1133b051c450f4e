"""Python imports this at its start where this folder is on PYTHONPATH: the process's wall clock is as far ahead as CHAOS_CLOCK's file says.

Only what Python reads is moved: `time.time` and `time.time_ns`, from which all components have their wall clock (`common.clock`). The
monotonic clock, timeouts and sleeps stay the machine's, as they do where a real clock jumps. libfaketime would move other programs
too, but breaks `clock_nanosleep`, with which Python sleeps, and redis-server's allocator.
"""

import os
import time
from pathlib import Path

_LOOK_EVERY_S = 0.2


class _Ahead:
    """How far, looked up now and then; forks look for themselves."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ns = 0
        self._look_s = 0.0

    def ns(self) -> int:
        now_s = time.monotonic()
        if now_s >= self._look_s:
            self._look_s = now_s + _LOOK_EVERY_S
            self._ns = int(self._path.read_text())
        return self._ns


def _move(ahead: _Ahead) -> None:
    read_ns = time.time_ns
    time.time_ns = lambda: read_ns() + ahead.ns()
    time.time = lambda: (read_ns() + ahead.ns()) / 1e9


if path := os.environ.get("CHAOS_CLOCK"):
    _move(_Ahead(Path(path)))
