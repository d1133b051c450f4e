"""Clocks that jump in one process alone, and a file system that is full and has room again."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.pipeline.machine import MovableClock, SmallDisk

ASKED = """
import sys, time
began_s = time.monotonic()
for line in sys.stdin:
    time.sleep(0.25)
    print(time.time(), time.time_ns() / 1e9, time.monotonic() - began_s, flush=True)
"""


def test_a_clock_jumps_ahead_and_back_for_its_process_and_time_goes_on(tmp_path: Path) -> None:
    clock = MovableClock(tmp_path / "one.clock")
    process = subprocess.Popen(
        [sys.executable, "-c", ASKED],
        env=os.environ | clock.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for ahead_s in (0.0, 3_600.0, -3_600.0, 0.0):
        clock.set(ahead_s)
        before_s = time.time()
        process.stdin.write("\n")
        process.stdin.flush()
        seconds, from_ns, monotonic_s = map(float, process.stdout.readline().split())
        after_s = time.time()
        assert before_s <= seconds - ahead_s <= after_s
        assert before_s <= from_ns - ahead_s <= after_s
        assert 0.0 < monotonic_s < 600.0
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_disk_is_full_until_it_is_freed(tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "data") as disk:
        if not disk.can_be_full:
            pytest.skip("no file system can be mounted here")
        kept = tmp_path / "data" / "kept"
        kept.write_bytes(b"x" * 100_000)
        disk.fill()
        with pytest.raises(OSError, match="No space") as raised:
            (tmp_path / "data" / "more").write_bytes(b"x" * 10_000)
        assert raised.value.errno == errno.ENOSPC
        assert kept.read_bytes() == b"x" * 100_000
        disk.free()
        (tmp_path / "data" / "more").write_bytes(b"x" * 10_000)
    assert not kept.exists()
