import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_runner.lifetime import tied_command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")

PARENT = """
import subprocess, sys, time
from local_runner.lifetime import tied_command
child = subprocess.Popen(tied_command([sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"]), stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_no_orphan_survives_a_kill() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline_s = time.monotonic() + 20
    while not _ended(child_pid):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_child_whose_parent_is_gone_already_does_not_begin() -> None:
    command = tied_command([sys.executable, "-c", "print('began')"])
    command[3] = str(os.getppid())  # not the parent of what is started here
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_child_becomes_its_command() -> None:
    done = subprocess.run(
        tied_command([sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "a b", "c"]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (7, "['a b', 'c']\n")
