"""A child of the stack, played by a small server of Python's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from local_cloud.process_times import is_stopped
from local_cloud.processes import Child, DidNotStart, DidNotStop, check_free, free_port, free_ports
from tests.waiting import until

SERVER = """
import http.server, os, sys
print("up", flush=True)
sum(range(3_000_000))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["API_PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    port = free_port()
    command = [sys.executable, "-c", SERVER]
    child = Child("server", command, port=port, log_path=tmp_path / "log", environ={"API_PORT": str(port)})
    yield child
    child.kill()


def started(child: Child) -> None:
    child.start()
    child.wait_until_listening(30)


def test_it_is_started_again_on_its_port_and_keeps_its_log(child: Child, tmp_path: Path) -> None:
    started(child)
    first = child.pid
    child.kill()
    assert (child.is_running, child.exit_status) == (False, -9)
    started(child)
    assert child.is_running
    assert child.exit_status is None
    assert child.pid != first
    assert (tmp_path / "log").read_text().splitlines().count("up") == 2


def test_what_it_used_before_it_was_killed_still_counts(child: Child) -> None:
    assert (child.cpu_seconds(), child.resident_bytes()) == (0.0, 0)
    started(child)
    once = child.cpu_seconds()
    assert once > 0
    assert child.resident_bytes() > 1_000_000
    child.kill()
    assert child.cpu_seconds() >= once
    started(child)
    assert child.cpu_seconds() > once


def test_frozen_it_does_not_answer_and_thawed_it_does(child: Child) -> None:
    started(child)
    child.freeze()
    with pytest.raises(urllib3.exceptions.TimeoutError):
        urllib3.request("GET", f"http://127.0.0.1:{child.port}/", retries=False, timeout=0.3)
    child.thaw()
    assert urllib3.request("GET", f"http://127.0.0.1:{child.port}/", retries=False, timeout=30).status == 200


IDLE_FIRST_THREAD = """
import os, threading, time
def serve():
    while True:
        time.sleep(0.0001)
threading.Thread(target=serve).start()
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
print("idle", flush=True)
while True:
    time.sleep(60)
"""
BUSY = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print("busy", flush=True)
while True:
    pass
"""


def test_frozen_none_of_its_threads_runs_though_the_one_that_gets_the_signal_is_last_in_its_queue(
    tmp_path: Path,
) -> None:
    def running(name: str, code: str) -> Child:
        child = Child(name, [sys.executable, "-c", code], port=free_port(), log_path=tmp_path / name, environ={})
        child.start()
        return child

    busy = running("busy", BUSY)
    server = running("idle", IDLE_FIRST_THREAD)
    try:
        until(lambda: all((tmp_path / name).read_bytes() for name in ("busy", "idle")), "both run", 30)
        for _ in range(20):
            server.freeze()
            assert is_stopped(server.pid)
            server.thaw()
            assert not is_stopped(server.pid)
    finally:
        server.kill()
        busy.kill()


def test_one_that_does_not_stop_is_said_to_run_on(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    started(child)
    monkeypatch.setattr("local_cloud.processes._STOPPED_AFTER_S", 0.0)
    monkeypatch.setattr("local_cloud.processes.is_stopped", lambda _: False)
    with pytest.raises(DidNotStop, match="server has threads that still run 0 s after SIGSTOP"):
        child.freeze()


def test_even_frozen_it_ends_when_it_is_asked_to(child: Child) -> None:
    started(child)
    child.freeze()
    child.stop()
    assert child.exit_status == -15


def test_one_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    child = Child("broken", [sys.executable, "-c", "exit(3)"], port=free_port(), log_path=tmp_path / "log", environ={})
    child.start()
    with pytest.raises(DidNotStart, match=f"broken ended at once; its log is {tmp_path / 'log'}"):
        child.wait_until_listening(30)
    assert child.exit_status == 3


def test_one_that_never_listens_is_given_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = Child("deaf", command, port=free_port(), log_path=tmp_path / "log", environ={})
    child.start()
    with pytest.raises(DidNotStart, match=r"deaf does not listen after 0\.1 s"):
        child.wait_until_listening(0.1)
    child.stop()


def test_stopping_what_was_never_started_is_harmless(child: Child) -> None:
    child.ask_to_end()
    child.stop()
    child.kill()
    assert not child.is_running


def test_free_ports_are_different_ones() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_port_that_somebody_has_is_named(child: Child) -> None:
    started(child)
    with pytest.raises(DidNotStart, match=f"port {child.port} "):
        check_free(child.port)
    check_free(free_port())
