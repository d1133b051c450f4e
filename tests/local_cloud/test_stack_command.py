"""`python -m local_cloud`: the whole stack in processes, told, watched, stopped, killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

from local_runner.data_dir import lock_folder
from tests.processes import processes_below

STACK = [pytest.mark.component("emulators", "whisper"), pytest.mark.slow, pytest.mark.timeout(300)]
CHILDREN = ("ingest", "segmenter", "transcribe", "api", "whisper", "pubsub", "firestore", "gcs", "redis")


def command(data_dir: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "local_cloud", "--data-dir", str(data_dir), *options]


def environment() -> dict[str, str]:
    """This process's environment, without what would change the stack."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("TURNSCRIBE_", "WHISPER_", "API_"))
    }


def refused(data_dir: Path, *options: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The stack where it is not to start."""
    return subprocess.run(
        command(data_dir, *options), env=environment() | environ, capture_output=True, text=True, check=False
    )


class Running:
    """The stack as a program starts it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.errors = data_dir / "errors"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command(data_dir), env=environment(), stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()
        self.told = json.loads(line)
        self.family = processes_below(self.process.pid)

    def get(self, url: str) -> urllib3.BaseHTTPResponse:
        token = (self.data_dir / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        return urllib3.request("GET", url, headers=headers, retries=False, timeout=60)

    def stats(self) -> dict[str, dict[str, dict[str, int]]]:
        stats: dict[str, dict[str, dict[str, int]]] = self.get(f"{self.told['stats_url']}/internal/stats").json()
        return stats

    def answers_stats(self) -> bool:
        try:
            return self.get(f"{self.told['stats_url']}/internal/stats").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def leaves_nothing(self) -> None:
        """Every process ends; orphans need a moment to notice."""
        self.wait_until(lambda: not any(processes_below(pid) for pid in self.family), "no process survives")

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        deadline_s = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline_s, what
            time.sleep(0.05)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    stack = Running(tmp_path)
    yield stack
    stack.close()


def logs(data_dir: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (data_dir / "logs").glob("*.log")}


class TestTheWholeStack:
    pytestmark = STACK

    def test_it_is_ready_when_it_says_so_and_ctrl_c_stops_it_in_order(self, running: Running) -> None:
        told = running.told
        assert told.keys() == {"url", "read_url", "stats_url", "data_dir", "pid"}
        assert (told["pid"], told["data_dir"]) == (running.process.pid, str(running.data_dir))
        assert running.get(f"{told['url']}/health/ready").json()["status"] == "ok"
        assert running.get(f"{told['read_url']}/health/ready").json()["status"] == "ok"

        stats = running.stats()
        assert stats["services"].keys() == {"ingest", "segmenter", "transcribe", "api"}
        assert stats["emulators"].keys() == {"pubsub", "firestore", "gcs", "redis"}
        used = [*stats["services"].values(), *stats["emulators"].values()]
        assert all(each["pid"] in running.family and each["resident_bytes"] > 0 for each in used)
        assert stats["cpu_seconds"] == pytest.approx(
            sum(each["cpu_seconds"] for each in stats["services"].values()), abs=1
        )
        assert stats["whisper"]["busy_seconds"] == 0

        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == 0
        running.leaves_nothing()
        assert running.errors.read_text() == ""
        kept = logs(running.data_dir)
        assert kept.keys() == {*CHILDREN, "stack", "topology"}
        assert not [name for name, text in kept.items() if "Traceback" in text]
        token = (running.data_dir / "token").read_text().strip()
        assert not [name for name, text in kept.items() if token in text]

    def test_a_second_ctrl_c_does_not_wait_for_what_is_in_hand(self, running: Running) -> None:
        address = urllib3.util.parse_url(running.told["url"])
        token = (running.data_dir / "token").read_text().strip()
        head = [
            "PUT /v1/streams/slow/chunks/0?meeting_id=m HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {token}",
            "Content-Length: 9",
        ]
        with socket.create_connection((str(address.host), address.port or 0)) as upload:
            upload.sendall(("\r\n".join(head) + "\r\n\r\nbegin").encode())  # the rest never comes
            running.process.send_signal(signal.SIGINT)
            running.wait_until(lambda: not running.answers_stats(), "it has begun to stop")
            assert running.process.poll() is None
            running.process.send_signal(signal.SIGINT)
            assert running.process.wait(60) == 130
        running.leaves_nothing()

    def test_killed_it_leaves_no_process_behind(self, running: Running) -> None:
        assert len(running.family) >= 1 + len(CHILDREN) + 4  # and the workers
        running.process.kill()
        running.leaves_nothing()

    def test_a_service_that_ends_is_reported_and_the_others_go_on(self, running: Running) -> None:
        os.kill(running.stats()["services"]["segmenter"]["pid"], signal.SIGKILL)
        said = "segmenter has ended (status -9)"
        running.wait_until(lambda: said in running.errors.read_text(), said)
        assert running.stats()["services"]["segmenter"]["pid"] is None
        assert running.get(f"{running.told['url']}/health/ready").status == 200
        running.process.terminate()
        assert running.process.wait(60) == 0
        running.leaves_nothing()


def test_what_is_missing_is_named_with_how_to_get_it(tmp_path: Path) -> None:
    done = refused(tmp_path, PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (69, "")
    assert "apt-get install openjdk-17-jre-headless" in done.stderr
    assert "apt-get install redis-server" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.component("emulators")
def test_bad_settings_are_told_one_a_line_and_nothing_starts(tmp_path: Path) -> None:
    done = refused(tmp_path, SEGMENT_SIZE_SEC="ten", GUNICORN_THREADS="0")
    assert (done.returncode, done.stdout) == (78, "")
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["GUNICORN_THREADS", "SEGMENT_SIZE_SEC"]


@pytest.mark.component("emulators")
def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        done = refused(tmp_path)
    assert (done.returncode, done.stdout) == (75, "")
    assert "Traceback" not in done.stderr
