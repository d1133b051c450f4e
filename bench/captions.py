"""How long after it was spoken is a word on a live reader's screen, and how much of that is turnscribe's?

    python -m bench.captions [--stack embedded|cloud] [--chunk-ms 1000] [--step-sec 5] [--streams 1] [--json]

Plays the shipped conversation in real time, as recorders do, to one of the installations of `bench.overhead`, with a live reader on each
meeting. In Whisper's place stands a server that answers at once with 150 words a minute, so Whisper's own time is not in it. For each
word, when it was first shown (live or final), counted

- from the word's end as it was spoken: what people see. A chunk must be full and a revision due before anything can be shown;
- from the arrival of the chunk with the word's end: turnscribe's part, and the wait for the next revision.

Takes as long as the conversation and some seconds. Prints p50 and p95 in milliseconds, and as a ratio to what the chunk's length and
TRANSCRIBER_STEP_SEC alone make of it: half of each, on average.
"""

import argparse
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from bench.cost_whisper import CountingWhisper
from bench.overhead import SETTINGS, STACKS, Installation
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.playback import Player, schedule
from turnscribe.demo.recording import Recording, load_recording
from turnscribe.demo.speakers import load_ground_truth, mask_windows
from turnscribe.errors import NotFound
from turnscribe.live_events import MeetingNow, SegmentNow

GIVE_UP_S: Final = 60.0
OFTEN_S: Final = 0.05


class Delays(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50_ms: float
    p95_ms: float


class Report(msgspec.Struct, frozen=True):
    """What is printed."""

    stack: str
    chunk_ms: int
    step_s: float
    streams: int
    words: int
    after_spoken: Delays
    after_arrival: Delays
    unavoidable_ms: float
    """Half a chunk and half a step: what would be left if nothing took any time."""
    ratio: float
    """The median after it was spoken, to that."""


@dataclass
class Shown:
    """Words of one meeting that were shown, the furthest first time each."""

    began_s: float = 0.0
    frontier_ms: int = 0
    words: list[tuple[int, float]] = field(default_factory=list)
    """`(end in stream time, ms; when it was shown, s on the monotonic clock)`."""

    def show(self, segment: SegmentNow, now_s: float) -> None:
        """Note what reaches further than all before: a word is new once, however its revisions go on."""
        ends = sorted(word.end_ms for utterance in segment.utterances for word in utterance.words)
        self.words += [(end_ms, now_s) for end_ms in ends if end_ms > self.frontier_ms]
        self.frontier_ms = max([self.frontier_ms, *ends])


def watch(client: Client, meeting_id: str, shown: Shown) -> None:
    """Read the meeting live until it is complete. Raises `SystemExit` where it does not begin."""
    deadline_s = time.monotonic() + GIVE_UP_S
    while time.monotonic() < deadline_s:
        try:
            with client.live(meeting_id) as events:
                for event in events:
                    if isinstance(event, SegmentNow):
                        shown.show(event, time.monotonic())
                    if isinstance(event, MeetingNow) and event.complete:
                        return
        except NotFound:
            time.sleep(OFTEN_S)
    raise SystemExit(f"there was no meeting to watch within {GIVE_UP_S:g} s")


def play(installation: Installation, recording: Recording, streams: int) -> list[Shown]:
    """What readers saw of that many meetings side by side."""
    windows = mask_windows(load_ground_truth(CONVERSATION_TRUTH), recording.duration_ms or 0, delay_ms=0)
    shown = [Shown() for _ in range(streams)]
    with (
        Client(installation.ingest_url, installation.api_token) as uploads,
        Client(installation.read_url, installation.api_token) as reads,
    ):
        players: list[Player] = []
        readers: list[threading.Thread] = []
        for each in shown:
            meeting_id = f"captions-{secrets.token_hex(4)}"
            stream = uploads.stream(meeting_id, f"{meeting_id}-1", content_type=recording.content_type)
            started_at_ms = round(time.time() * 1000)
            players.append(
                Player(stream, recording, schedule(recording, windows), started_at_ms=started_at_ms, speed=1.0)
            )
            readers.append(threading.Thread(target=watch, args=(reads, meeting_id, each), daemon=True))
            each.began_s = time.monotonic()
            players[-1].start()
            readers[-1].start()
        for player, reader in zip(players, readers, strict=True):
            player.join()
            if player.error:
                raise player.error
            reader.join(GIVE_UP_S)
            if reader.is_alive():
                raise SystemExit("a meeting was not complete in time")
    return shown


def delays(values_ms: Sequence[float]) -> Delays:
    """Their median and 95th percentile. Pure."""
    ordered = sorted(values_ms)
    return Delays(*(round(ordered[round(part * (len(ordered) - 1))], 0) for part in (0.5, 0.95)))


def report(stack: str, recording: Recording, shown: Sequence[Shown], chunk_ms: int, step_s: float) -> Report:
    """The figures. Pure."""
    arrivals = [piece.end_ms for piece in recording.pieces if piece.end_ms is not None]
    spoken: list[float] = []
    arrived: list[float] = []
    for each in shown:
        for end_ms, shown_s in each.words:
            at_ms = (shown_s - each.began_s) * 1000
            spoken.append(at_ms - end_ms)
            arrived.append(at_ms - next((ms for ms in arrivals if ms >= end_ms), arrivals[-1]))
    unavoidable_ms = chunk_ms / 2 + step_s * 500
    after_spoken = delays(spoken)
    return Report(
        stack=stack,
        chunk_ms=chunk_ms,
        step_s=step_s,
        streams=len(shown),
        words=len(spoken),
        after_spoken=after_spoken,
        after_arrival=delays(arrived),
        unavoidable_ms=unavoidable_ms,
        ratio=round(after_spoken.p50_ms / unavoidable_ms, 2),
    )


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", choices=[*STACKS], default="embedded", help="installation (default: embedded)")
    parser.add_argument("--chunk-ms", type=int, default=1_000, help="length of a chunk (default: 1000)")
    parser.add_argument("--step-sec", type=float, default=5.0, help="TRANSCRIBER_STEP_SEC (default: 5)")
    parser.add_argument("--streams", type=int, default=1, help="meetings side by side (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    recording = load_recording(CONVERSATION, arguments.chunk_ms)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TURNSCRIBE_", "WHISPER_"))}
    own = {"TRANSCRIBER_STEP_SEC": f"{arguments.step_sec:g}", "SPEAKER_WAIT_SEC": "2"}
    with CountingWhisper() as whisper, tempfile.TemporaryDirectory() as folder:
        environ = inherited | SETTINGS | own | {"WHISPER_SERVICE_URL": whisper.url}
        with STACKS[arguments.stack](Path(folder), environ) as installation:
            shown = play(installation, recording, arguments.streams)
    result = report(arguments.stack, recording, shown, arguments.chunk_ms, arguments.step_sec)
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return
    print(
        f"{result.words} words, {result.streams} meetings, chunks of {result.chunk_ms} ms, a revision each {result.step_s:g} s"
    )
    print(f"{'ms until a word is shown':<32}{'p50':>8}{'p95':>8}")
    print(f"{'after it was spoken':<32}{result.after_spoken.p50_ms:>8.0f}{result.after_spoken.p95_ms:>8.0f}")
    print(f"{'after its chunk arrived':<32}{result.after_arrival.p50_ms:>8.0f}{result.after_arrival.p95_ms:>8.0f}")
    print(f"{'ratio to half a chunk and step':<32}{result.ratio:>8.2f}")


if __name__ == "__main__":
    main()
