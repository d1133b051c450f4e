"""`turnscribe upload` to a running stack: killed on the way, gone on with, waited for, with speakers from a file."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.e2e.conftest import demo_environment
from tests.waiting import until
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.speakers import load_ground_truth
from turnscribe.errors import NotFound
from turnscribe.local_server import LocalServer
from turnscribe.speaker_intervals import Interval
from turnscribe.upload_identity import UploadOptions, connection_of, fingerprint

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(400)]


def command(server: LocalServer, *options: str) -> list[str]:
    """The upload of the shipped conversation to a meeting of its own."""
    to = ["--url", server.url, "--token-file", str(server.token_path), "--json", "--meeting", "upload-command"]
    speakers = ["--speakers", str(CONVERSATION_TRUTH)]
    return [sys.executable, "-m", "turnscribe", "upload", *to, *speakers, *options, str(CONVERSATION)]


def has_begun(server: LocalServer) -> bool:
    turns = load_ground_truth(CONVERSATION_TRUTH).turns
    speakers = [Interval(turn.speaker, round(turn.start * 1000), round(turn.end * 1000)) for turn in turns]
    digest = hashlib.sha256(CONVERSATION.read_bytes()).hexdigest()
    upload_id = connection_of(fingerprint(digest, "upload-command", UploadOptions(), speakers))
    headers = {"Authorization": f"Bearer {server.token}", "Tus-Resumable": "1.0.0"}
    return urllib3.request("HEAD", f"{server.url}/v1/uploads/{upload_id}", headers=headers, retries=False).status == 200


def test_killed_and_gone_on_with_it_is_transcribed_with_its_speakers(
    server: LocalServer, client: Client, tmp_path: Path
) -> None:
    size_bytes = CONVERSATION.stat().st_size
    killed = subprocess.Popen(
        command(server, "--limit-rate", str(size_bytes // 4)), env=demo_environment(), stdout=subprocess.DEVNULL
    )
    try:
        until(lambda: has_begun(server), "the upload has begun")
        time.sleep(1)  # of about four: some bytes are there, and some are not
    finally:
        killed.kill()
    killed.wait()
    with pytest.raises(NotFound):
        client.transcript("upload-command")  # nobody knows of half a recording

    folder = tmp_path / "transcripts"
    options = ["--wait", "--format", "json", "--output", str(folder), "--timeout", "120"]
    done = subprocess.run(
        command(server, *options), env=demo_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    (uploaded,) = told["files"]
    assert 0 < uploaded["resumed_from_bytes"] < uploaded["size_bytes"] == size_bytes
    transcript = json.loads(Path(told["transcripts"][0]["path"]).read_text())
    assert transcript["complete"]
    assert [stream["connection_id"] for stream in transcript["streams"]] == [uploaded["connection_id"]]
    truth = load_ground_truth(CONVERSATION_TRUTH)
    assert {each["speaker"] for each in transcript["utterances"]} == set(truth.speakers)
    chair = " ".join(each["text"] for each in transcript["utterances"] if each["speaker"] == "Chair").lower()
    assert "good morning everyone" in chair


def test_the_same_again_sends_nothing(server: LocalServer, client: Client) -> None:
    first = subprocess.run(command(server), env=demo_environment(), capture_output=True, text=True, check=True)
    again = subprocess.run(command(server), env=demo_environment(), capture_output=True, text=True, check=True)
    (uploaded,) = json.loads(again.stdout)["files"]
    assert uploaded["resumed_from_bytes"] == uploaded["size_bytes"]
    assert uploaded["connection_id"] == json.loads(first.stdout)["files"][0]["connection_id"]
    until(lambda: client.stream_status(uploaded["connection_id"]).ended, "the stream has ended")
