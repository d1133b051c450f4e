"""No header changes who is thought to have sent a request: also not from this machine, where a proxy may stand.

That none changes where it goes either is shown with a real runner, in tests/hostile/test_injection.py.
"""

from pathlib import Path

from local_runner.server import LocalServer
from local_runner.settings import load_runner_settings
from whisper_service.__main__ import Server, server_options
from whisper_service.settings import WhisperSettings


def test_neither_the_runner_nor_whisper_believes_its_neighbours(tmp_path: Path) -> None:
    settings = load_runner_settings({"DATA_DIR": str(tmp_path)}, token=lambda: "of-this-test")
    for server in (
        LocalServer(settings, when_listening=lambda: None),
        Server(server_options(WhisperSettings(), behind_front_end=True)),
    ):
        assert (server.cfg.forwarded_allow_ips, server.cfg.forwarder_headers) == ([], [])
