"""Making a process end with the one that started it, however that one ends.

`python -m local_runner.lifetime PARENT_PID COMMAND…` ties itself to its parent and then becomes COMMAND: children started so
leave no orphans behind a `kill -9`. The kernel watches the *thread* that started the child, so start it from one that stays.
Linux only; elsewhere nothing is tied.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent_pid: int, how: signal.Signals) -> None:
    """Get `how` when the parent ends. Exits at once if `parent_pid` is not the parent any more."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(how)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        raise SystemExit(1)


def tied_command(command: list[str]) -> list[str]:
    """`command`, to be started by this process, tied to it."""
    return [sys.executable, "-m", "local_runner.lifetime", str(os.getpid()), *command]


def _become(arguments: list[str]) -> None:
    end_with_parent(int(arguments[0]), signal.SIGKILL)
    os.execv(arguments[1], arguments[1:])  # noqa: S606 -- the command of the process that started this one


if __name__ == "__main__":
    _become(sys.argv[1:])
