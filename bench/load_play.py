"""Playing to an installation: the stand-in for Whisper and the uploaders, each in a process of its own, and what became of the audio."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import urllib3

from bench.load_generator import Plan, Sent
from bench.load_installation import INSTALLATIONS, Installation
from local_cloud.processes import Child, free_port
from local_runner.lifetime import tied_command
from turnscribe.client import Client
from turnscribe.errors import NotFound
from turnscribe.schema import Transcript
from turnscribe.transport import RetryPolicy
from whisper_service.admission import WorkDone

LOOK_EVERY_S: Final = 1.0
READY_S: Final = 60.0
PACKET_MS: Final = 20
"""A chunk ends inside a packet, as a browser's do: of the last one, that packet never comes."""


class WhisperLike(msgspec.Struct, frozen=True):
    """What the stand-in is like; see `bench.load_whisper`. `workers` is also how many calls transcribe makes at a time."""

    workers: int
    queue: int
    call_s: float
    audio_factor: float


@contextmanager
def installed(
    stack: str, folder: Path, whisper: WhisperLike, settings: Mapping[str, str]
) -> Iterator[tuple[Installation, Child]]:
    """An installation with a stand-in for Whisper, and the stand-in's process. Their logs and data are in `folder`."""
    passed = {name: value for name, value in os.environ.items() if not name.startswith(("TURNSCRIBE_", "WHISPER_"))}
    port = free_port()
    command = [sys.executable, "-m", "bench.load_whisper", "--port", str(port)]
    command += ["--workers", str(whisper.workers), "--queue", str(whisper.queue)]
    command += ["--call-sec", str(whisper.call_s), "--audio-factor", str(whisper.audio_factor)]
    child = Child("whisper", command, port=port, log_path=folder / "whisper.log", environ=passed)
    own = {"WHISPER_SERVICE_URL": f"http://127.0.0.1:{port}", "PROCESSING_THREADS": str(whisper.workers), **settings}
    child.start()
    try:
        child.wait_until_listening(READY_S)
        with INSTALLATIONS[stack](folder, {**passed, **own}) as installation:
            yield installation, child
    finally:
        child.stop()


def work_of(whisper: Child) -> WorkDone:
    """The stand-in's account."""
    answer = urllib3.request("GET", f"http://127.0.0.1:{whisper.port}/v1/stats", retries=False, timeout=60)
    return msgspec.json.decode(answer.data, type=WorkDone)


class Playing:
    """A plan that is being played."""

    def __init__(self, plan: Plan, module: str = "bench.load_generator") -> None:
        # Not a pipe: nobody reads before the end, and what an hour has to tell is more than a pipe holds.
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 -- it lives as long as the process
        self._process = subprocess.Popen(
            tied_command([sys.executable, "-m", module]), stdin=subprocess.PIPE, stdout=self._told
        )
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(plan))
        self._process.stdin.close()

    @property
    def is_going_on(self) -> bool:
        """Whether there is more to send."""
        return self._process.poll() is None

    def sent(self) -> Sent:
        """Wait for the end. Raises `SystemExit` where a request was refused for good."""
        if self._process.wait() != 0:
            raise SystemExit("the uploaders gave up; see above")
        with self._told as told:
            told.seek(0)
            return msgspec.json.decode(told.read(), type=Sent)

    def stop(self) -> None:
        """End it, whatever it has in hand."""
        if self.is_going_on:
            self._process.kill()
        self._process.wait()


class Heard(msgspec.Struct, frozen=True):
    """What became of the audio of some meetings."""

    audio_ms: int
    """In their accounts: in segments, or skipped as silence."""
    lost_ms: int
    """Sent, and not in a complete transcript's account, or in a gap."""
    incomplete: int
    """Meetings whose transcripts did not become complete in time."""
    took_s: float
    """Until all were complete."""


def heard(installation: Installation, audio_ms: Mapping[str, int], *, within_s: float) -> Heard:
    """Wait until all transcripts are complete, at most so long, and add up their accounts."""
    began_s = time.monotonic()
    waiting, found = dict(audio_ms), dict[str, int]()
    retry = RetryPolicy(give_up_after_s=within_s)
    with Client(installation.read_url, installation.api_token, retry=retry) as reads:
        while waiting:
            for name in list(waiting):
                transcript = _transcript(reads, name)
                if transcript is None or not transcript.complete:
                    break  # in the order of their ends: the others are looked at when this one is there
                found[name] = accounted_ms(transcript)
                del waiting[name]
            if time.monotonic() - began_s > within_s:
                break
            if waiting:
                time.sleep(LOOK_EVERY_S)
    missing = (sent_ms - found.get(name, 0) for name, sent_ms in audio_ms.items())
    lost_ms = sum(each_ms for each_ms in missing if each_ms > PACKET_MS)
    return Heard(sum(found.values()), lost_ms, len(waiting), round(time.monotonic() - began_s, 1))


def accounted_ms(transcript: Transcript) -> int:
    """Audio of the transcript's streams that was heard. Pure."""
    gaps_ms = sum(gap.end_ms - gap.start_ms for stream in transcript.streams for gap in stream.gaps or ())
    return sum(stream.audio_ms or 0 for stream in transcript.streams) - gaps_ms


def _transcript(reads: Client, name: str) -> Transcript | None:
    try:
        return reads.transcript(name)
    except NotFound:
        return None
