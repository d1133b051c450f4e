"""The embedded stack with real Whisper: real processes, real HTTP. Nothing of the services is imported here, only the client."""

import dataclasses
import fcntl
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.remembering_whisper import RememberingWhisper
from tests.waiting import until
from turnscribe.client import Client, Stream
from turnscribe.errors import NotFound
from turnscribe.local_server import LocalServer, free_port

READY_S = 120.0
START_MS = 1_750_000_000_000


@dataclass
class Demo:
    """A finished run: exit status, what it printed, and the transcript that it wrote."""

    status: int
    report: dict[str, Any]
    errors: str

    @property
    def transcript(self) -> dict[str, Any]:
        return json.loads(Path(self.report["files"]["json"]).read_text())


def demo_command(data_dir: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "turnscribe", "demo", "--json", "--data-dir", str(data_dir), *options]


def environment_of_a_user() -> dict[str, str]:
    """This process's environment, without what would change a server started from it: it starts a Whisper of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TURNSCRIBE_", "WHISPER_"))}


def demo_environment() -> dict[str, str]:
    """A user's, with the Whisper that all tests of this process share."""
    return environment_of_a_user() | _shared_whisper


_shared_whisper: dict[str, str] = {}


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that processes which run tests side by side have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session", autouse=True)
def shared_whisper(shared_folder: Path) -> Iterator[RememberingWhisper]:
    """Real, behind a memory."""
    with RememberingWhisper(shared_folder / "said-by-whisper", environment_of_a_user()) as whisper:
        _shared_whisper["WHISPER_SERVICE_URL"] = whisper.url
        yield whisper
    _shared_whisper.clear()


WITHOUT_LIVE = {"TRANSCRIBER_STEP_SEC": "60"}
"""Live revisions change no final transcript; without them Whisper has half the work."""


@pytest.fixture(scope="session")
def run_demo() -> Callable[..., Demo]:
    def run(data_dir: Path, *options: str, own: dict[str, str] = WITHOUT_LIVE, as_a_user: bool = False) -> Demo:
        environ = (environment_of_a_user() if as_a_user else demo_environment()) | own
        done = subprocess.run(
            demo_command(data_dir, *options), env=environ, capture_output=True, text=True, check=False
        )
        (line,) = done.stdout.splitlines() or ["{}"]
        return Demo(done.returncode, json.loads(line), done.stderr)

    return run


@pytest.fixture(scope="session")
def uninterrupted(run_demo: Callable[..., Demo], shared_folder: Path) -> Demo:
    """The shipped conversation, played once as fast as possible, with live revisions. Processes side by side share the one run."""
    kept = shared_folder / "uninterrupted.json"
    with (shared_folder / "uninterrupted.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            demo = run_demo(shared_folder / "uninterrupted", "--speed", "0", own={})
            kept.write_text(json.dumps(dataclasses.asdict(demo)))
    return Demo(**json.loads(kept.read_text()))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A local server as `turnscribe demo` runs it."""
    environ = demo_environment() | WITHOUT_LIVE | {"SPEAKER_DELAY_SEC": "1", "SPEAKER_WAIT_SEC": "10"}
    with LocalServer(tmp_path_factory.mktemp("server"), free_port(), environ) as running:
        running.wait_until_ready(READY_S)
        yield running


def without_ids(transcript: dict[str, Any]) -> dict[str, Any]:
    """A transcript as bytes must be the same for the same recording: the ids and the wall clock are the run's own."""
    own = {"meeting_id", "connection_id", "segment_id", "start_at"}

    def stripped(value: Any) -> Any:
        match value:
            case dict():
                return {name: stripped(member) for name, member in value.items() if name not in own}
            case list():
                return [stripped(item) for item in value]
        return value

    return stripped(transcript)


@pytest.fixture(scope="session")
def client(server: LocalServer) -> Iterator[Client]:
    with Client(server.url, server.token) as connected:
        yield connected


def new_stream(client: Client, content_type: str) -> Stream:
    """A connection of its own, of a meeting of its own."""
    run = secrets.token_hex(4)
    return client.stream(f"meeting-{run}", f"connection-{run}", content_type=content_type)


def completed(client: Client, meeting_id: str) -> dict[str, Any]:
    """The meeting's transcript as JSON, once nothing is missing in it."""

    def complete() -> bool:
        try:
            return client.transcript(meeting_id).complete
        except NotFound:
            return False

    until(complete, "the transcript is complete")
    return json.loads(client.transcript_bytes(meeting_id, "json"))
