"""What groups of processes hold at a moment: CPU time, memory, descriptors, threads. As /proc tells it; Linux only."""

from pathlib import Path
from typing import Final

import msgspec

from local_cloud.process_times import cpu_seconds, processes_of

MIB: Final = 1024**2


class Usage(msgspec.Struct, frozen=True):
    """Of all processes of a group: gunicorn's arbiter and its workers are one."""

    cpu_s: float
    """Since the group began."""
    resident_bytes: int
    """Pages that processes share count once for each."""
    private_bytes: int
    """What would be free again without the group."""
    descriptors: int
    threads: int


def usage(group: int) -> Usage:
    """Of the processes whose group is `group` (the leader's pid). One that ends meanwhile counts for nothing."""
    resident = private = descriptors = threads = 0
    for process, _ in processes_of(group):
        try:
            memory = _numbers(process / "smaps_rollup")
            resident += memory["Rss"] * 1024
            private += (memory["Private_Clean"] + memory["Private_Dirty"]) * 1024
            descriptors += sum(1 for _ in (process / "fd").iterdir())
            threads += sum(1 for _ in (process / "task").iterdir())
        except (OSError, KeyError):  # it ended; its memory goes first
            continue
    return Usage(round(cpu_seconds(group), 2), resident, private, descriptors, threads)


def _numbers(path: Path) -> dict[str, int]:
    """The lines `name: number kB` of a file of /proc."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) == 3 and words[1].isdecimal()}
