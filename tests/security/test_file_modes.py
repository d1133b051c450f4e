"""Who else may read what is kept on a machine that people share: nobody. Real processes, under a umask that would let everybody."""

import json
import os
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_runner.data_dir import lock_folder
from tests.security.conftest import ROOT
from turnscribe.local_server import free_port

STARTED_S = 150.0


def open_to_others(folder: Path) -> list[str]:
    """Paths below `folder`, and itself, that the group or anybody may read, write or enter."""
    every = (folder, *folder.rglob("*"))
    return [
        str(path.relative_to(folder)) for path in every if path.exists() and stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


def upload(url: str, token: str) -> None:
    """Store a chunk and a recording."""
    for method, path in (("PUT", "/v1/streams/c1/chunks/0?meeting_id=m1"), ("POST", "/v1/recordings")):
        body = b"OggS" + bytes(64)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "audio/ogg"}
        request = urllib.request.Request(f"{url}{path}", data=body, method=method, headers=headers)  # noqa: S310 -- our own
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            assert answer.status in {200, 201}, path


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline_s = time.monotonic() + STARTED_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310 -- our own
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer: {process.poll()}")


@pytest.fixture
def lenient() -> Iterator[None]:
    """A umask that lets everybody read and write what is made."""
    before = os.umask(0)
    yield
    os.umask(before)


def environ(data_dir: Path, **own: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return (
        kept | {"DATA_DIR": str(data_dir), "WHISPER_SERVICE_URL": "http://127.0.0.1:9", "TRACE_EXPORTER": "none"} | own
    )


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(50)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def test_everything_that_the_runner_keeps_is_its_owners(tmp_path: Path, lenient: None) -> None:
    folder = tmp_path / "kept"
    port = free_port()
    started = environ(folder, API_PORT=str(port))
    command = [sys.executable, "-m", "local_runner"]
    process = subprocess.Popen(command, cwd=ROOT, env=started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        upload(f"http://127.0.0.1:{port}", (folder / "token").read_text().strip())
        kept = {path.name for path in folder.rglob("*")}
        assert {"objects", "transcripts.sqlite3", "token", "runner.lock", "end.json"} <= kept
        others_may = open_to_others(folder)
    finally:
        stop(process)
    assert [path for path in others_may if path != "runner.lock"] == [], "the lock is empty"


def test_everything_that_a_service_by_itself_keeps_is_its_owners(tmp_path: Path, lenient: None) -> None:
    folder = tmp_path / "kept"
    port = free_port()
    started = environ(folder, API_PORT=str(port), API_TOKEN="of-this-test", PUSH_TOKEN="pushed")
    command = [sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf"]
    process = subprocess.Popen(
        [*command, "ingest_service.bootstrap:application()"],
        cwd=ROOT, env=started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}", process)
        upload(f"http://127.0.0.1:{port}", "of-this-test")
        assert len([path for path in folder.rglob("*") if path.is_file()]) > 3
        others_may = open_to_others(folder)
    finally:
        stop(process)
    assert others_may == []


def test_a_folder_that_is_made_is_its_owners_and_one_that_is_there_stays_as_it_is(
    tmp_path: Path, lenient: None
) -> None:
    with lock_folder(tmp_path / "new"):
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o750)
    with lock_folder(shared):
        assert stat.S_IMODE(shared.stat().st_mode) == 0o750


def test_the_stack_of_emulators_begins_by_keeping_others_out(tmp_path: Path, lenient: None) -> None:
    asked = (
        "import os, json, local_cloud.__main__ as m; m.missing = lambda _: ['x']\ntry: m.main(['--data-dir', 'd'])\n"
    )
    told = "except SystemExit: print(json.dumps(os.umask(0)))"
    command = [sys.executable, "-c", asked + told]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == 0o077
