"""CPU time and memory of running processes, as /proc tells them. Linux only."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(group: int) -> float:
    """User and system time of all processes of the group `group` (the leader's pid): gunicorn's arbiter and its workers.

    Of processes that have ended, only what their parent has collected counts.
    """
    return sum(user_and_system_seconds(group))


def user_and_system_seconds(group: int) -> tuple[float, float]:
    """`cpu_seconds` as its two parts."""
    user = system = 0
    for fields in _group(group):
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return user / _TICKS_A_SECOND, system / _TICKS_A_SECOND


def resident_bytes(group: int) -> int:
    """Resident memory of all processes of the group; pages that they share count once for each."""
    return sum(int(fields[21]) for fields in _group(group)) * _PAGE_BYTES


def _group(group: int) -> Iterator[list[str]]:
    """Of each process of the group what /proc/PID/stat says after the program's name."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[2]) == group:
            yield fields
