import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.settings import SettingsError, load
from tests.clocks import FakeClock
from transcribe_service.bootstrap import whisper_client
from transcribe_service.settings import TranscribeSettings
from transcribe_service.whisper.openai_dialect import OpenAiDialect
from transcribe_service.whisper.plain_dialect import PlainDialect

SCRIPT = """
from transcribe_service.bootstrap import application
client = application().test_client()
for path in ("/health", "/health/ready", "/v1/meetings/m1"):
    print(client.get(path).status_code)
print(client.post("/push/transcribe").status_code)
"""


def run(environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


API = {"API_TOKEN": "a-token"}
WORKER = {"PUSH_TOKEN": "p-token", "WHISPER_SERVICE_URL": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("needed", "statuses"),
    [
        (API | WORKER, ["200", "200", "401", "401"]),
        (API | {"TRANSCRIBE_ROLE": "api"}, ["200", "200", "401", "404"]),
        (WORKER | {"TRANSCRIBE_ROLE": "worker"}, ["200", "200", "404", "401"]),
    ],
    ids=["all", "api", "worker"],
)
def test_the_service_stands_on_the_settings_of_its_role(
    tmp_path: Path, needed: dict[str, str], statuses: list[str]
) -> None:
    ended = run(needed | {"DATA_DIR": str(tmp_path / "data")})
    assert ended.returncode == 0, ended.stderr
    printed = [line for line in ended.stdout.splitlines() if not line.startswith("{")]
    assert printed == statuses
    assert "-token" not in ended.stdout + ended.stderr


def test_wrong_settings_end_it_with_a_line_for_each() -> None:
    ended = run({"API_TOKEN": "a", "WHISPER_SERVICE_URL": "whisper", "ENGINE_API_URL": "b"})
    assert ended.returncode == 78
    assert [line.partition(":")[0] for line in ended.stderr.splitlines()] == [
        "WHISPER_SERVICE_URL",
        "ENGINE_API_URL",
    ]


BASE = {"API_TOKEN": "a", "PUSH_TOKEN": "p", "WHISPER_SERVICE_URL": "https://whisper.example/t"}


@pytest.mark.parametrize(
    ("said", "kind"), [({}, OpenAiDialect), ({"WHISPER_DIALECT": "plain", "WHISPER_AUTH": "google"}, PlainDialect)]
)
def test_the_whisper_client_is_the_one_that_the_settings_name(said: dict[str, str], kind: type) -> None:
    client = whisper_client(load(TranscribeSettings, BASE | said), FakeClock())
    assert type(client) is kind
    client.close()


def test_two_ways_to_tell_whisper_who_asks_are_one_too_many() -> None:
    with pytest.raises(SettingsError, match="WHISPER_API_TOKEN"):
        load(TranscribeSettings, BASE | {"WHISPER_AUTH": "google", "WHISPER_API_TOKEN": "t"})
