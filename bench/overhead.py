"""What does turnscribe itself add to Whisper's time, and what does each event cost?

    python -m bench.overhead [--streams 30] [--stack embedded|cloud|both] [--json]

Plays short recordings, one after another, to both installations, each service under a gunicorn of its own: on the embedded
adapters (files, SQLite) and on the cloud's (emulators, GCS server, redis-server). In Whisper's place stands a server that answers
at once. Prints, for each stack, p50 and p95 of the time from the answer to the last chunk (which comes when the others are worked off, as in
a live stream) until the complete transcript can be read, and, from as many streams again, CPU milliseconds for each event of each service: chunks, observations and ends at ingest
and segmenter, segments at transcribe.
Compare the columns of one run; the machine may be shared.
"""

import argparse
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from bench.separate_services import EmbeddedServices
from bench.whisper_stand_in import WhisperStandIn
from local_cloud.stack import Stack
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.recording import Recording, load_recording
from turnscribe.demo.speakers import MaskWindow, load_ground_truth, mask_windows
from turnscribe.errors import NotFound

CHUNK_MS: Final = 3_000
CHUNKS: Final = 5
START_MS: Final = 1_750_000_000_000
BEFORE_LAST_S: Final = 0.6
"""A live stream's last chunk comes three seconds after the one before: by then that one is worked off, and this is enough for it."""
WARM_UP_STREAMS: Final = 3
"""Models load, connections open and modules are imported in the first streams."""
GIVE_UP_S: Final = 60.0
OFTEN_S: Final = 0.005
SELDOM_S: Final = 1.0
"""Reading costs CPU too: where that is counted, the transcript is looked for seldom."""
SERVICES: Final = ("ingest", "segmenter", "transcribe")
SETTINGS: Final = {
    "SPEAKER_DELAY_SEC": "0",
    "SPEAKER_WAIT_SEC": "60",
    "TRANSCRIBER_STEP_SEC": "60",
    "WEB_CONCURRENCY": "1",
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "3600",
}


class Installation(Protocol):
    """A running turnscribe."""

    ingest_url: str
    read_url: str
    api_token: str

    def cpu_seconds(self) -> Mapping[str, float]:
        """Since its start, by service."""
        ...


@dataclass(frozen=True)
class Recordings:
    """What is played: the first chunks of the shipped conversation, and who spoke in them."""

    recording: Recording
    windows: tuple[MaskWindow, ...]

    @property
    def events(self) -> int:
        """Chunks, observations and the end."""
        return CHUNKS + len(self.windows) + 1


def recordings() -> Recordings:
    """Read what is played."""
    recording = load_recording(CONVERSATION, CHUNK_MS)
    windows = mask_windows(load_ground_truth(CONVERSATION_TRUTH), recording.duration_ms or 0, delay_ms=0)
    return Recordings(recording, tuple(window for window in windows if window.end_ms <= CHUNKS * CHUNK_MS))


def play(installation: Installation, played: Recordings, poll_s: float) -> tuple[float, int]:
    """`(milliseconds from the last chunk to the readable transcript, segments)` of one stream, looked for every `poll_s`."""
    run = secrets.token_hex(4)
    with (
        Client(installation.ingest_url, installation.api_token) as uploads,
        Client(installation.read_url, installation.api_token) as reads,
    ):
        stream = uploads.stream(f"bench-{run}", f"bench-{run}-1", content_type=played.recording.content_type)
        for window in played.windows:
            stream.observe_masks(START_MS + window.end_ms, window.masks)
        for piece in played.recording.pieces[:CHUNKS]:
            if piece.seq == CHUNKS - 1:
                time.sleep(BEFORE_LAST_S)
            captured_at_ms = START_MS + (piece.end_ms or 0)
            stream.put_chunk(piece.seq, played.recording.bytes_of(piece), captured_at_ms=captured_at_ms)
        stored_s = time.monotonic()
        stream.end(CHUNKS - 1, observations=len(played.windows))
        while time.monotonic() - stored_s < GIVE_UP_S:
            time.sleep(poll_s)
            try:
                transcript = reads.transcript(stream.meeting_id)
            except NotFound:
                continue
            if transcript.complete:
                segments = sum(account.segments or 0 for account in transcript.streams)
                return (time.monotonic() - stored_s) * 1000, segments
    raise SystemExit(f"a transcript was not complete after {GIVE_UP_S:g} s")


def measure(installation: Installation, streams: int) -> dict[str, object]:
    """The figures of one stack."""
    played = recordings()
    for _ in range(WARM_UP_STREAMS):
        play(installation, played, OFTEN_S)
    took_ms = sorted(play(installation, played, OFTEN_S)[0] for _ in range(streams))
    before = installation.cpu_seconds()
    results = [play(installation, played, SELDOM_S) for _ in range(streams)]
    after = installation.cpu_seconds()
    events = {
        "ingest": streams * played.events,
        "segmenter": streams * played.events,
        "transcribe": sum(segments for _, segments in results),
    }
    return {
        "to_final_p50_ms": round(statistics.median(took_ms), 1),
        "to_final_p95_ms": round(took_ms[round(0.95 * (len(took_ms) - 1))], 1),
        "cpu_ms_per_event": {name: round((after[name] - before[name]) * 1000 / events[name], 2) for name in SERVICES},
    }


class CloudServices(AbstractContextManager["CloudServices"]):
    """`local_cloud`'s stack, as an `Installation`."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._stack = Stack(folder, environ)

    def __enter__(self) -> Self:
        stack = self._stack.__enter__()
        self.ingest_url, self.read_url, self.api_token = stack.ingest_url, stack.read_url, stack.api_token
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(None, None, None)

    def cpu_seconds(self) -> Mapping[str, float]:
        """Since its start, by service."""
        return {name: self._stack.services[name].cpu_seconds() for name in SERVICES}


STACKS: Final[Mapping[str, Callable[[Path, Mapping[str, str]], AbstractContextManager[Installation]]]] = {
    "embedded": EmbeddedServices,
    "cloud": CloudServices,
}


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=30, help="recordings to play to each stack (default: 30)")
    parser.add_argument("--stack", choices=[*STACKS, "both"], default="both", help="what to measure (default: both)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TURNSCRIBE_", "WHISPER_"))}
    results = {}
    with WhisperStandIn() as whisper:
        for name, installed in STACKS.items():
            if arguments.stack in (name, "both"):
                environ = inherited | SETTINGS | {"WHISPER_SERVICE_URL": whisper.url}
                with tempfile.TemporaryDirectory() as folder, installed(Path(folder), environ) as installation:
                    results[name] = measure(installation, arguments.streams)
    if arguments.json:
        print(json.dumps(results))
        return
    print(f"{'':<34}" + "".join(f"{name:>12}" for name in results))
    for key in ("to_final_p50_ms", "to_final_p95_ms"):
        print(f"{key:<34}" + "".join(f"{result[key]!s:>12}" for result in results.values()))
    for service in SERVICES:
        row = [result["cpu_ms_per_event"] for result in results.values()]
        cells = "".join(f"{cell[service]:>12.2f}" for cell in row if isinstance(cell, dict))
        print(f"{'CPU ms per event, ' + service:<34}{cells}")


if __name__ == "__main__":
    sys.exit(main())
