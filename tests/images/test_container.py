"""What the script finds out about a service, on services that are a few lines each."""

import os
import sys
from pathlib import Path

import pytest

from cloudbuild.images.base_python import BasePython
from cloudbuild.images.container import Container, NotRunning, make_removable, make_unwritable
from cloudbuild.images.folder_build import Image

SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(os.environ.get("STATUS", "0"))))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(os.environ.get("SAYS", "200")))
        self.end_headers()
        self.wfile.write(b'{"port": "%s", "home": "%s"}' % (os.environ.get("PORT", "").encode(), os.environ["HOME"].encode()))
http.server.HTTPServer((os.environ["API_HOST"], int(os.environ["API_PORT"])), Handler).serve_forever()
"""
HEALTH = "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:%s' % os.environ['PORT'])"


def container(tmp_path: Path, server: str = SERVER, **settings: str) -> Container:
    folder = tmp_path / "image"
    folder.mkdir()
    image = Image(
        folder=folder,
        environ={"PORT": "8080"},
        workdir=folder,
        uid=os.geteuid(),
        gid=os.getegid(),
        command=(sys.executable, "-c", server),
        health=(sys.executable, "-c", HEALTH),
        labels={},
    )
    return Container(image, BasePython(Path(sys.prefix), "", "", None), tmp_path / "scratch", settings)


def test_a_service_answers_and_stops(tmp_path: Path) -> None:
    one = container(tmp_path)
    assert not one.healthy()
    with one.started(30) as answer:
        assert answer.after_s > 0
        assert one.healthy()
        assert one.wait_for("/health", 30) == {"port": "", "home": "/"}
        assert one.stop() == 0
    assert not one.healthy()


def test_nothing_of_this_machines_environment_comes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "of this machine")
    monkeypatch.setenv("PYTHONPATH", "/of/this/machine")
    assert not {"API_TOKEN", "PYTHONPATH", "VIRTUAL_ENV"} & container(tmp_path).environ().keys()


def test_what_ends_before_it_answers_is_told_with_its_log(tmp_path: Path) -> None:
    one = container(tmp_path, "raise SystemExit('GCS_BUCKET: must be set')")
    with (
        pytest.raises(NotRunning, match=r"(?s)ended before it answered /health:.*GCS_BUCKET: must be set"),
        one.started(30),
    ):
        pytest.fail("it never answered")


def test_what_does_not_answer_in_time_is_told_and_ended(tmp_path: Path) -> None:
    one = container(tmp_path, SAYS="503")
    with pytest.raises(NotRunning, match=r"/health said .* after 1 s"), one.started(1):
        pytest.fail("it said 503")
    assert one.process is not None
    assert one.process.returncode == -9


def test_an_exit_status_is_handed_on(tmp_path: Path) -> None:
    one = container(tmp_path, STATUS="3")
    with one.started(30):
        assert one.stop() == 3


def test_the_time_that_all_processes_used_is_counted(tmp_path: Path) -> None:
    burns = (
        "import subprocess, sys, time\n"
        "subprocess.run([sys.executable, '-c', 'import time\\nwhile time.process_time() < 0.5: pass'])\n"
    )
    with container(tmp_path, burns + SERVER).started(60) as answer:
        assert answer.cpu_s >= 0.5


def test_a_folder_is_made_unwritable_with_all_in_it_and_removable_again(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").touch()
    make_unwritable(tmp_path / "a")
    assert not any(path.stat().st_mode & 0o222 for path in (tmp_path / "a", *(tmp_path / "a").rglob("*")))
    make_removable(tmp_path / "a")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o700 == 0o700
