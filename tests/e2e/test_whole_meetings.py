"""`turnscribe meetings`, `retranscribe`, `replay` and `delete` against the local runner: what each of them leaves behind."""

import io
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.e2e.conftest import READY_S, completed, demo_environment
from tests.e2e.knowing_whisper import RATE_HZ, KnowingWhisper, conversation_pcm
from turnscribe.cli import main
from turnscribe.client import Client
from turnscribe.errors import NotFound
from turnscribe.local_server import LocalServer, free_port
from turnscribe.upload_identity import UploadOptions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SETTINGS = {
    "SPEAKER_WAIT_SEC": "0.1",
    "TRANSCRIBER_STEP_SEC": "60",
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1",
}


@dataclass
class Installation:
    client: Client
    url: str
    token: str
    folder: Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("whole")
    with KnowingWhisper() as whisper:
        environ = demo_environment() | SETTINGS | {"WHISPER_SERVICE_URL": whisper.url}
        with LocalServer(folder, free_port(), environ) as server:
            server.wait_until_ready(READY_S)
            with Client(server.url, server.token) as client:
                yield Installation(client, server.url, server.token, folder)


@pytest.fixture
def meeting(running: Installation) -> str:
    """A meeting whose transcript is complete."""
    meeting_id = f"whole-{secrets.token_hex(4)}"
    target = io.BytesIO()
    soundfile.write(target, conversation_pcm()[: 20 * RATE_HZ], RATE_HZ, format="WAV", subtype="PCM_16")
    target.seek(0)
    running.client.upload(target, meeting_id=meeting_id, options=UploadOptions(started_at_ms=1_700_000_000_000))
    completed(running.client, meeting_id)
    return meeting_id


@pytest.fixture
def command(
    running: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs a command that succeeds, and gives what it prints as JSON."""
    monkeypatch.setenv("TURNSCRIBE_TOKEN", running.token)

    def run(*arguments: str, status: int = 0) -> Any:
        with pytest.raises(SystemExit) as exit_:
            main([*arguments, "--url", running.url, "--json"])
        printed = capsys.readouterr()
        assert exit_.value.code == status, printed.err
        return json.loads(printed.out) if status == 0 else printed.err

    return run


def spoken(running: Installation, meeting_id: str) -> list[tuple[str, int]]:
    utterances = completed(running.client, meeting_id)["utterances"]
    return [(word["text"], word["start_ms"]) for each in utterances for word in each["words"]]


def files_with(folder: Path, text: str) -> list[str]:
    """Names of the objects whose name or content has `text`."""
    files = (path for path in (folder / "objects").rglob("*") if path.is_file())
    return [path.name for path in files if text in str(path) or text.encode() in path.read_bytes()]


def test_it_is_listed(meeting: str, command: Callable[..., Any]) -> None:
    assert meeting in {each["meeting_id"] for each in command("meetings")}


def test_transcribed_again_readers_see_the_other_take(
    running: Installation, meeting: str, command: Callable[..., Any]
) -> None:
    before = spoken(running, meeting)
    done = command("retranscribe", meeting, "--language", "en", "--vocabulary", "spring release", "--wait")
    assert (done["state"], done["take"]) == ("complete", "1")
    assert spoken(running, meeting) == before
    assert command("retranscribe", meeting, "--wait")["take"] == "2"


def test_made_anew_from_its_chunks_it_says_the_same(
    running: Installation, meeting: str, command: Callable[..., Any]
) -> None:
    before = spoken(running, meeting)
    done = command("replay", meeting, "--wait")
    assert done["state"] == "complete"
    assert sum(each["segments"] for each in done["streams"]) > 0
    assert spoken(running, meeting) == before


def test_deleted_it_is_found_nowhere(running: Installation, meeting: str, command: Callable[..., Any]) -> None:
    assert files_with(running.folder, meeting)
    done = command("delete", meeting, "--yes", "--wait")
    assert done["complete"]
    assert set(done["left"].values()) == {0}
    with pytest.raises(NotFound):
        running.client.transcript(meeting)
    assert meeting not in {each["meeting_id"] for each in command("meetings", "--limit", "0")}
    assert files_with(running.folder, meeting) == []
    assert "no meeting" in command("delete", meeting, "--yes", status=1)


def test_without_being_sure_nothing_is_deleted(
    running: Installation, meeting: str, command: Callable[..., Any]
) -> None:
    assert "--yes" in command("delete", meeting, status=2)
    assert spoken(running, meeting)


def test_how_long_things_are_kept_is_the_tenants_to_say(running: Installation) -> None:
    assert running.client.meetings.keep(audio_days=30, transcript_days=None).audio_days == 30
    kept = running.client.meetings.keep(audio_days=None, transcript_days=None)
    assert running.client.meetings.retention() == kept
