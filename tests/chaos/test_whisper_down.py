"""Whisper is down in mid-stream, in four ways: nothing is lost, memory stays flat, and the final transcript is the same.

Real processes: the local runner, and a stand-in for Whisper that answers from the audio alone. `make outage` takes five minutes
for each way, with the settings of a deployment and audio in real time; a plain test run some seconds, with shorter settings.
"""

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from bench.nothing_invented import write_webm
from bench.offline_pipeline import decoded
from bench.wordless_audio import SAMPLE_RATE
from tests.chaos.conftest import Outage
from tests.chaos.whisper_front import FAULTS, Fault, WhisperFront
from tests.e2e.conftest import START_MS, completed, demo_environment, new_stream, without_ids
from tests.processes import processes_below
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION
from turnscribe.demo.recording import Recording, load_recording
from turnscribe.local_server import LocalServer, free_port

CHUNK_MS: Final = 3_000
AROUND_S: Final = 24.0
"""Audio before and after the outage."""
LEAST_AUDIO_S: Final = 24.0
"""Audio that comes during it."""
FLAT_KB: Final = 32 * 1024
"""What Python's heap may grow by from one meeting to the next. Measured in five minutes: 3 to 8 MB."""
SHORT_SETTINGS: Final = {
    "WHISPER_TIMEOUT_SEC": "2",
    "WHISPER_BUDGET_SEC": "4",
    "WHISPER_CIRCUIT_SEC": "1",
    "PROCESSING_WAIT_SEC": "1",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600), pytest.mark.component("whisper")]


@dataclass(frozen=True)
class Installation:
    """A running system, and the recording that is played to it again and again."""

    front: WhisperFront
    server: LocalServer
    client: Client
    recording: Recording

    def rss_kb(self) -> int:
        """Resident memory of all its processes."""
        return sum(_rss_kb(pid) for pid in processes_below(self.server.pid))


def _rss_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


@pytest.fixture(scope="module")
def installation(outage: Outage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("outage")
    speech = decoded(Path(CONVERSATION))
    seconds = 2 * AROUND_S + max(LEAST_AUDIO_S, outage.seconds)
    path = folder / "talk.webm"
    write_webm(np.resize(speech, round(seconds * SAMPLE_RATE)), path)
    with ExitStack() as running:
        front = running.enter_context(WhisperFront())
        own = {"WHISPER_SERVICE_URL": front.url, "SPEAKER_WAIT_SEC": "0", **({} if outage.is_long else SHORT_SETTINGS)}
        server = running.enter_context(LocalServer(folder, free_port(), demo_environment() | own))
        server.wait_until_ready(60)
        client = running.enter_context(Client(server.url, server.token))
        yield Installation(front, server, client, load_recording(path, CHUNK_MS))


@dataclass(frozen=True)
class Played:
    """What became of one meeting."""

    transcript: dict[str, Any]
    settled_s: float
    """From Whisper's return, or the last chunk, to the complete transcript."""
    rss_kb: list[int]
    """Before, and after every chunk."""


def play(installation: Installation, outage: Outage, fault: Fault | None, chance: random.Random) -> Played:
    """Stream the recording. Whisper fails at a chunk that `chance` draws and is back after the outage; audio comes on meanwhile."""
    recording, client = installation.recording, installation.client
    stream = new_stream(client, recording.content_type)
    first = chance.randint(3, round(AROUND_S * 1000 / CHUNK_MS))
    count = round(max(LEAST_AUDIO_S, outage.seconds) * 1000 / CHUNK_MS)
    rss_kb = [installation.rss_kb()]
    due_s = healed_s = time.monotonic()
    for piece in recording.pieces:
        if fault and piece.seq == first:
            installation.front.fail(fault)
            due_s = time.monotonic()
        if fault and first <= piece.seq < first + count:
            due_s += outage.seconds / count
            time.sleep(max(0.0, due_s - time.monotonic()))
        if fault and piece.seq == first + count:
            installation.front.heal()
            healed_s = time.monotonic()
        stream.put_chunk(piece.seq, recording.bytes_of(piece), captured_at_ms=START_MS + (piece.end_ms or 0))
        rss_kb.append(installation.rss_kb())
    stream.end(len(recording.pieces) - 1, observations=0)
    ended_s = time.monotonic()
    transcript = completed(client, stream.meeting_id)
    return Played(transcript, time.monotonic() - (healed_s if fault else ended_s), rss_kb)


@pytest.fixture(scope="module")
def undisturbed(installation: Installation, outage: Outage) -> Played:
    return play(installation, outage, None, random.Random(outage.seed))


@pytest.mark.parametrize("fault", FAULTS)
def test_an_outage_in_mid_stream_delays_and_changes_nothing(
    installation: Installation, outage: Outage, undisturbed: Played, fault: Fault
) -> None:
    failed = installation.front.failed
    played = play(installation, outage, fault, random.Random(f"{outage.seed} {fault}"))
    grown_kb = max(played.rss_kb) - undisturbed.rss_kb[-1]
    print(
        json.dumps(
            {
                "fault": fault,
                "outage_s": outage.seconds,
                "requests_failed": installation.front.failed - failed,
                "segments": played.transcript["streams"][0]["segments"],
                "words": sum(len(each["words"]) for each in played.transcript["utterances"]),
                "complete_after_s": round(played.settled_s, 1),
                "rss_before_mb": round(undisturbed.rss_kb[-1] / 1024, 1),
                "rss_highest_mb": round(max(played.rss_kb) / 1024, 1),
                "rss_after_mb": round(installation.rss_kb() / 1024, 1),
            }
        )
    )
    assert without_ids(played.transcript) == without_ids(undisturbed.transcript)
    assert sum(len(each["words"]) for each in played.transcript["utterances"]) > 50
    assert fault == "refused" or installation.front.failed > failed
    assert list(installation.client.dead_letters()) == []
    assert grown_kb < FLAT_KB
