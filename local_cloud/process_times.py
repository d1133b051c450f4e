"""CPU time of running processes, as /proc tells it. Linux only."""

import os
from pathlib import Path
from typing import Final

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(group: int) -> float:
    """User and system time of all processes of the group `group` (the leader's pid): gunicorn's arbiter and its workers.

    Of processes that have ended, only what their parent has collected counts.
    """
    total = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            total += _cpu_seconds(entry, group)
    return total


def _cpu_seconds(entry: Path, group: int) -> float:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return 0.0
    if int(fields[2]) != group:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS_A_SECOND
