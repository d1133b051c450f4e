"""`turnscribe demo` on the shipped conversation: complete, attributed, written down, and the same after any interruption."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import (
    WITHOUT_LIVE,
    Demo,
    demo_command,
    demo_environment,
    environment_of_a_user,
    without_ids,
)
from tests.e2e.excerpts import EXCERPT_S, write_excerpt
from tests.processes import processes_below
from tests.waiting import until
from turnscribe.client import Client
from turnscribe.errors import TurnscribeClientError
from turnscribe.local_server import free_port
from turnscribe.transport import RetryPolicy

pytestmark = [pytest.mark.component("whisper"), pytest.mark.slow, pytest.mark.timeout(400)]


def test_the_conversation_comes_out_complete_and_attributed(uninterrupted: Demo) -> None:
    assert uninterrupted.status == 0, uninterrupted.errors
    report = uninterrupted.report
    assert report["lost"] == []
    assert report["audio_seconds"] == pytest.approx(62.4, abs=0.2)
    assert report["speaker_accuracy"] >= 0.95
    assert report["word_error_rate"] <= 0.15
    assert report["words"] > 100
    assert report["segments"] > 4
    assert report["seconds_to_final"] >= 0


def test_the_files_hold_the_same_transcript(uninterrupted: Demo) -> None:
    files = {kind: Path(path).read_text() for kind, path in uninterrupted.report["files"].items()}
    assert files.keys() == {"srt", "vtt", "json"}
    transcript = json.loads(files["json"])
    assert transcript["complete"] is True
    assert {each["speaker"] for each in transcript["utterances"]} == {"Chair", "Engineer", "Designer"}
    assert sum(len(each["words"]) for each in transcript["utterances"]) == uninterrupted.report["words"]
    assert files["vtt"].startswith("WEBVTT")
    assert "<v Chair>" in files["vtt"]
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:\d\d,\d{3}\n", files["srt"])


def test_nothing_but_the_json_object_is_printed_and_no_token(uninterrupted: Demo) -> None:
    token = Path(uninterrupted.report["files"]["json"]).parents[1] / "token"
    assert token.read_text().strip() not in json.dumps(uninterrupted.report) + uninterrupted.errors


class Playing:
    """A demo in a process of its own that a test may kill, and a look at what its server has."""

    def __init__(self, data_dir: Path, *options: str, environ: dict[str, str]) -> None:
        self._data_dir = data_dir
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            demo_command(data_dir, "--port", str(port), *options),
            env=environ | WITHOUT_LIVE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Whoever runs the tests in the background may have Ctrl-C ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def durable(self) -> int:
        """How many chunks the server has; 0 while it can't be asked."""
        try:
            record = json.loads((self._data_dir / "run.json").read_text())
            token = (self._data_dir / "token").read_text().strip()
            with Client(self.url, token, retry=RetryPolicy(give_up_after_s=0)) as client:
                return client.stream_status(record["connection_id"]).chunks
        except (FileNotFoundError, TurnscribeClientError):
            return 0

    def segments(self) -> int:
        """How many final segments are stored; 0 while it can't be asked."""
        try:
            record = json.loads((self._data_dir / "run.json").read_text())
            token = (self._data_dir / "token").read_text().strip()
            with Client(self.url, token, retry=RetryPolicy(give_up_after_s=0)) as client:
                return sum(each.segments or 0 for each in client.transcript(record["meeting_id"]).streams)
        except (FileNotFoundError, TurnscribeClientError):
            return 0


def _interrupt(playing: Playing, how: signal.Signals) -> int:
    """Interrupt the demo; its exit status, once nothing of it runs any more."""
    family = processes_below(playing.process.pid)
    assert len(family) >= 4  # the demo, the arbiter, the worker, Whisper
    playing.process.send_signal(how)
    playing.process.communicate(timeout=60)
    until(lambda: not any(processes_below(pid) for pid in family), "no process survives")
    return playing.process.returncode


def test_killed_and_started_again_it_ends_with_the_same_transcript(
    uninterrupted: Demo, run_demo: Callable[..., Demo], tmp_path: Path
) -> None:
    playing = Playing(tmp_path, "--speed", "6", environ=environment_of_a_user())
    until(lambda: playing.durable() >= 9 and playing.segments() >= 1, "nine chunks and a segment")
    assert _interrupt(playing, signal.SIGKILL) == -signal.SIGKILL
    resumed = run_demo(tmp_path, "--speed", "0")
    assert resumed.status == 0, resumed.errors
    assert resumed.report["resumed"] is True
    assert without_ids(resumed.transcript) == without_ids(uninterrupted.transcript)


def test_any_recording_without_speakers_interrupted_and_played_again(
    run_demo: Callable[..., Demo], tmp_path: Path
) -> None:
    audio = tmp_path / "excerpt.m4a"
    write_excerpt(audio, "m4a")
    playing = Playing(tmp_path / "data", "--speed", "4", "--audio", str(audio), environ=environment_of_a_user())
    until(lambda: playing.durable() >= 2, "two chunks")
    assert _interrupt(playing, signal.SIGINT) == 130

    options = ("--speed", "0", "--audio", str(audio))
    resumed, again = run_demo(tmp_path / "data", *options), run_demo(tmp_path / "data", *options)
    for run in (resumed, again):
        assert run.status == 0, run.errors
        assert run.report["audio_seconds"] == pytest.approx(EXCERPT_S, abs=0.25)
        assert not {"word_error_rate", "speaker_accuracy"} & run.report.keys()
        assert {each["speaker"] for each in run.transcript["utterances"]} == {None}
    # Once a run is complete, the next start makes a new one.
    assert (resumed.report["resumed"], again.report["resumed"]) == (True, False)
    assert resumed.report["meeting_id"] != again.report["meeting_id"]
    assert without_ids(resumed.transcript) == without_ids(again.transcript)


def test_the_serving_process_killed_in_mid_stream_is_replaced_and_nothing_changes(
    uninterrupted: Demo, tmp_path: Path
) -> None:
    playing = Playing(tmp_path, "--speed", "6", environ=demo_environment())
    until(lambda: playing.durable() >= 6, "six chunks")
    (arbiter,) = processes_below(playing.process.pid) & {
        int(pid) for pid in Path(f"/proc/{playing.process.pid}/task/{playing.process.pid}/children").read_text().split()
    }
    (worker,) = (int(pid) for pid in Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split())
    os.kill(worker, signal.SIGKILL)
    printed, _ = playing.process.communicate(timeout=150)
    assert playing.process.returncode == 0
    finished = Demo(0, json.loads(printed), "")
    assert finished.report["lost"] == []
    assert without_ids(finished.transcript) == without_ids(uninterrupted.transcript)
