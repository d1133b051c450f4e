"""What of the machine is disturbed: clocks that jump, a disk that is full. And ports that nobody takes meanwhile."""

import os
import random
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

DISK: Final = "2g"
"""Of memory, as far as it is used."""


def steady_ports(count: int) -> list[int]:
    """Free TCP ports of 127.0.0.1 that no outgoing connection gets: they stay free while the server that listens there is down."""
    chance = random.SystemRandom()
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            probe = held.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", chance.randrange(15_000, 32_000)))
            except OSError:
                continue
            found.append(probe.getsockname()[1])
    return found


class MovableClock:
    """The wall clock of a Python process that was started with `environ`; its monotonic clock is the machine's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set(0.0)
        self.environ = {"CHAOS_CLOCK": str(path), "PYTHONPATH": str(Path(__file__).parent / "moved_clock")}

    def set(self, ahead_s: float) -> None:
        """The process notices within a second."""
        new = self._path.with_suffix(".new")
        new.write_text(str(round(ahead_s * 1e9)))
        new.replace(self._path)


class SmallDisk:
    """A file system of its own at `folder`, which can be full. Where none can be mounted, `folder` is one like others and never full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        self.can_be_full = False

    def __enter__(self) -> Self:
        self.can_be_full = _succeeds("mount", "-t", "tmpfs", "-o", f"size={DISK}", "turnscribe", str(self._folder))
        return self

    def __exit__(self, *_: object) -> None:
        if self.can_be_full:
            _succeeds("umount", "--lazy", str(self._folder))

    def fill(self) -> None:
        """Leave no room: the file system becomes as small as what is in it."""
        for _ in range(20 if self.can_be_full else 0):  # somebody may write in between
            told = os.statvfs(self._folder)
            used = (told.f_blocks - told.f_bfree) * told.f_frsize
            if _succeeds("mount", "-o", f"remount,size={used}", str(self._folder)):
                return

    def free(self) -> None:
        """Give the room back."""
        if self.can_be_full:
            assert _succeeds("mount", "-o", f"remount,size={DISK}", str(self._folder))


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
