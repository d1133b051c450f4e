"""No header changes where a request goes, or who is thought to have sent it: also not from this machine, where a proxy may stand."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_runner.server import LocalServer
from local_runner.settings import load_runner_settings
from tests.security.conftest import ROOT
from tests.security.test_file_modes import environ, stop, wait_for
from turnscribe.local_server import free_port
from whisper_service.__main__ import Server, server_options
from whisper_service.settings import WhisperSettings


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A runner, started as people start it."""
    chosen = free_port()
    folder: Path = tmp_path_factory.mktemp("runner")
    process = subprocess.Popen(
        [sys.executable, "-m", "local_runner"],
        cwd=ROOT, env=environ(folder, API_PORT=str(chosen)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{chosen}", process)
        yield chosen
    finally:
        stop(process)


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "X-Script-Name", "X-Forwarded-Prefix"])
def test_no_header_makes_another_path_of_the_one_that_is_asked_for(port: int, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/elsewhere/health", headers={name: "/elsewhere"})
        assert connection.getresponse().status in {400, 404}
    finally:
        connection.close()


def test_neither_the_runner_nor_whisper_believes_its_neighbours(tmp_path: Path) -> None:
    settings = load_runner_settings({"DATA_DIR": str(tmp_path)}, token=lambda: "of-this-test")
    for server in (
        LocalServer(settings, when_listening=lambda: None),
        Server(server_options(WhisperSettings(), behind_front_end=True)),
    ):
        assert (server.cfg.forwarded_allow_ips, server.cfg.forwarder_headers) == ([], [])
