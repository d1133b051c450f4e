import subprocess
import sys
from pathlib import Path

import pytest

from turnscribe import __version__
from turnscribe.cli import main
from turnscribe.local_server import server_environment


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"turnscribe {__version__}\n"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["demo"],
        ["serve"],
        ["upload"],
        ["stream"],
        ["deadletters"],
        ["deadletters", "replay"],
        ["tokens"],
        ["tokens", "create"],
    ],
)
def test_help_tells_every_option(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([*command, "--help"])
    assert exit_.value.code == 0
    assert "--help" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--audio", "missing.webm"], ["--speakers", "missing.json"], ["--audio", __file__]]
)
def test_bad_input_is_named_and_nothing_is_started(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["demo", "--data-dir", str(tmp_path / "data"), *arguments])
    assert exit_.value.code == 2
    assert Path(arguments[1]).name in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("speed", ["-1", "fast"])
def test_a_speed_must_be_a_number_from_zero(speed: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["demo", "--speed", speed])
    assert exit_.value.code == 2


def test_the_server_listens_on_this_machine_only_whatever_the_environment_says() -> None:
    environ = server_environment({"PORT": "1", "API_HOST": "192.0.2.1", "X": "y"}, Path("d"), 2)
    assert environ == {"X": "y", "DATA_DIR": "d", "API_HOST": "127.0.0.1", "API_PORT": "2"}


def test_the_client_needs_nothing_of_the_services() -> None:
    """Importing all of the client loads no module of the server's."""
    code = (
        "import sys, turnscribe.cli, turnscribe.client, turnscribe.demo.command\n"
        "servers = {'common', 'ingest_service', 'segmenter_service', 'transcribe_service', 'whisper_service', "
        "'local_runner', 'flask', 'av'}\n"
        "print(sorted(servers & {name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
