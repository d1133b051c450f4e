"""CPU time, memory and state of running processes, as /proc tells them. Linux only."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_NOT_RUNNING: Final = frozenset("TZX")  # stopped by a signal, a zombie, dead: proc(5)


def cpu_seconds(group: int) -> float:
    """User and system time of all processes of the group `group` (the leader's pid): gunicorn's arbiter and its workers.

    Of processes that have ended, only what their parent has collected counts.
    """
    return sum(user_and_system_seconds(group))


def user_and_system_seconds(group: int) -> tuple[float, float]:
    """`cpu_seconds` as its two parts."""
    user = system = 0
    for _, fields in processes_of(group):
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return user / _TICKS_A_SECOND, system / _TICKS_A_SECOND


def resident_bytes(group: int) -> int:
    """Resident memory of all processes of the group; pages that they share count once for each."""
    return sum(int(fields[21]) for _, fields in processes_of(group)) * _PAGE_BYTES


def is_stopped(group: int) -> bool:
    """Whether no thread of the group runs any more, nor would if it had a processor: each is stopped, or has ended."""
    return all(
        _state(thread) in _NOT_RUNNING for entry, _ in processes_of(group) for thread in entry.glob("task/*/stat")
    )


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except OSError:  # it has ended meanwhile
        return "X"


def processes_of(group: int) -> Iterator[tuple[Path, list[str]]]:
    """Each process of the group: its folder /proc/PID, and what `stat` there says after the program's name."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[2]) == group:
            yield entry, fields
