"""What the tests of this folder share: the three services as the local runner composes them, and the repository's tracked files."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.adapters.embedded.data_dir import DataDir
from common.clock import SystemClock
from local_runner import compose
from local_runner.settings import load_runner_settings

ROOT = Path(__file__).parents[2]
OPERATOR = "operators-token-of-this-test"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[compose.Stack]:
    """All services in one application; API_TOKEN is OPERATOR, PUSH_TOKEN "pushed"."""
    folder: Path = tmp_path_factory.mktemp("runner")
    DataDir(folder)
    environ = {
        "DATA_DIR": str(folder),
        "API_TOKEN": OPERATOR,
        "PUSH_TOKEN": "pushed",
        "WHISPER_SERVICE_URL": "http://127.0.0.1:9",
        "CORS_ALLOWED_ORIGINS": "https://pages.example",
        "LIVE_MAX_SEC": "1",
    }
    built = compose.Stack(load_runner_settings(environ, token=lambda: OPERATOR), SystemClock())
    yield built
    built.close()


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    """Paths of the files that git knows and that are there, from the root on."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.split("\0") if path and (ROOT / path).is_file()]
