"""Starting a server as a child process: which module, where it says it is, and what is told when it is not there."""

import json
import os
from pathlib import Path

import pytest

from turnscribe.cli import main
from turnscribe.local_server import LocalServer, LocalServerFailed, ServerKind, server_command

URLS = {"url": "http://127.0.0.1:1", "read_url": "http://127.0.0.1:2", "stats_url": "http://127.0.0.1:3"}


def pretend(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> ServerKind:
    """A module that does `body` in the server's place."""
    (folder / "pretended.py").write_text(f"import json, os, sys, time\n{body}\n")
    monkeypatch.syspath_prepend(str(folder))
    return ServerKind("pretended", "stack")


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(folder), "API_TOKEN": "t"}


def test_uploads_reads_and_figures_go_where_the_server_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = json.dumps(URLS)
    kind = pretend(monkeypatch, tmp_path, f"print({told!r}, flush=True)\nsys.stdin.read()\ntime.sleep(60)")
    with LocalServer(tmp_path, None, environment(tmp_path), kind) as server:
        assert {"url": server.url, "read_url": server.read_url, "stats_url": server.stats_url} == URLS


def test_it_is_told_the_folder_the_port_and_whose_child_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = 'print(json.dumps({"url": [os.environ["DATA_DIR"], *sys.argv[1:]]}), flush=True)\ntime.sleep(60)'
    kind = pretend(monkeypatch, tmp_path, answer)
    with LocalServer(tmp_path, 4711, environment(tmp_path), kind) as server:
        assert server.url == str([str(tmp_path), "--port", "4711", "--parent", str(os.getpid())])


def test_what_a_server_says_that_does_not_start_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kind = pretend(monkeypatch, tmp_path, 'sys.exit("redis-server is missing: apt-get install redis-server")')
    with (
        pytest.raises(LocalServerFailed, match="redis-server is missing"),
        LocalServer(tmp_path, None, environment(tmp_path), kind),
    ):
        pass


def test_a_server_that_is_not_installed_is_named_by_its_extra() -> None:
    with pytest.raises(LocalServerFailed, match=r"install turnscribe\[stack\]"):
        server_command(ServerKind("no_such_module", "stack"))


def test_a_demo_on_a_stack_that_cannot_start_says_what_is_missing_and_that_it_begins_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as exit_:
        main(["demo", "--stack", "--data-dir", str(tmp_path)])
    assert exit_.value.code == 1
    told = capsys.readouterr().err
    assert "apt-get install redis-server" in told
    assert "begins anew" in told
    assert not (tmp_path / "run.json").exists()
