import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
from transcribe_service.bootstrap import application
client = application().test_client()
for path in ("/health", "/health/ready", "/v1/meetings/m1"):
    print(client.get(path).status_code)
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


def test_the_service_stands_on_its_settings(tmp_path: Path) -> None:
    good = {"API_TOKEN": "a-token", "PUSH_TOKEN": "p-token", "WHISPER_SERVICE_URL": "http://127.0.0.1:9"}
    ended = run(good | {"DATA_DIR": str(tmp_path / "data")})
    assert ended.returncode == 0, ended.stderr
    printed = [line for line in ended.stdout.splitlines() if not line.startswith("{")]
    assert printed == ["200", "200", "401"]
    assert "a-token" not in ended.stdout + ended.stderr


def test_wrong_settings_end_it_with_a_line_for_each() -> None:
    ended = run({"API_TOKEN": "a", "WHISPER_SERVICE_URL": "whisper", "ENGINE_API_URL": "b"})
    assert ended.returncode == 78
    assert [line.partition(":")[0] for line in ended.stderr.splitlines()] == [
        "ENGINE_API_URL",
        "WHISPER_SERVICE_URL",
    ]
