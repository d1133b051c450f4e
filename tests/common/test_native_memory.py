"""Threads share the C library's arenas, unless whoever starts the process wants it otherwise."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="arenas are glibc's")
PROGRAM = """
import ctypes, os, sys, tempfile, threading
if "share" in sys.argv:
    from common.native_memory import share_arenas
    share_arenas(os.environ)
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
together = threading.Barrier(12)

def allocate():
    together.wait()
    for _ in range(1_000):
        assert libc.malloc(ctypes.c_size_t(1_000))
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.TemporaryFile() as told:
    stream = ctypes.c_void_p(libc.fdopen(told.fileno(), b"w"))
    libc.malloc_info(0, stream)
    libc.fflush(stream)
    told.seek(0)
    print(told.read().count(b"<heap nr="))
"""


def arenas(*arguments: str, **environ: str) -> int:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return int(subprocess.run(command, env=inherited | environ, capture_output=True, text=True, check=True).stdout)


def test_a_dozen_threads_share_two_arenas() -> None:
    assert arenas() > 2, "this C library does it by itself"
    assert arenas("share") <= 2


def test_whoever_sets_the_number_of_arenas_has_it() -> None:
    assert 2 < arenas("share", MALLOC_ARENA_MAX="6") <= 6
