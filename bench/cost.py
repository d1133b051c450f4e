"""What does an hour of audio use, of everything that is paid for or has a limit?

    python -m bench.cost [--streams 2] [--minutes 30] [--speed 10] [--chunk-sec 3] [--window-sec 1] [--step-sec 5] [--json]

Plays long meetings side by side, faster than they were, to the services on the cloud's adapters: emulators of Pub/Sub and Firestore,
a GCS server, a redis-server, each service under its own gunicorn. Wrappers around the vendors' client libraries count what Google
would bill, in the services' own processes (`bench.cost_counts`; what counting costs is in the CPU seconds). The sweeps run as often
for each minute of audio as in production. In Whisper's place stands a server that answers at once with 150 words a minute, and counts
the audio that it gets. Takes streams × minutes ÷ speed minutes of an idle machine with two cores, and half a minute besides.

Prints, for one hour of audio, CPU seconds, requests, messages, operations, bytes; and what one round of the four sweeps uses while
nothing is open. Nobody reads the transcripts meanwhile: what a reader costs is in docs/cost.md.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import redis
import urllib3

from bench.cost_counts import COUNTS_PATH
from bench.cost_load import Meetings, Played, long_meeting
from bench.cost_report import SERVICES, Numbers, Report, Whisper, table, used
from bench.cost_whisper import CountingWhisper
from local_cloud.processes import Child
from local_cloud.services import BUCKET
from local_cloud.stack import Stack
from turnscribe.client import Client

COUNTED: Final = (*SERVICES, "api")
"""What an hour of audio uses is used by the first three; the api is who reads transcripts."""
IDLE_ROUNDS: Final = 20
WARM_UP_MINUTES: Final = 1
QUIET_S: Final = 4.0
GIVE_UP_S: Final = 180.0
NEVER_S: Final = "3600"
"""The bench sweeps itself."""
OWN_COMMANDS: Final = ("memory|usage", "scan", "info", "client|setinfo", "hello")
KINDS: Final = ("chunks", "speakers", "final", "provisional", "checkpoints", "events")


class CountedStack(Stack):
    """`local_cloud`'s stack, its services counted."""

    def _child(self, name: str, command: list[str], port: int, environ: Mapping[str, str]) -> Child:
        if name in COUNTED:
            image = "transcribe" if name == "api" else name
            command = [*command[:-1], f'bench.cost_counts:application("{image}")']
        return super()._child(name, command, port, environ)


class Readings:
    """What the counters of a running stack say."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._redis = redis.Redis(port=stack.emulators.redis.port)
        self.redis_bytes_per_connection = 0

    def take(self) -> dict[str, Numbers]:
        """All counters, by service, and Redis'."""
        read: dict[str, Numbers] = {"redis": self._of_redis()}
        for name in COUNTED:
            answer = urllib3.request("GET", self._stack.urls[name] + COUNTS_PATH, retries=False, timeout=30)
            child = self._stack.services[name]
            read[name] = {**answer.json(), "cpu_s": child.cpu_seconds(), "log_bytes": child.log_path.stat().st_size}
        return read

    def _of_redis(self) -> Numbers:
        stats = self._redis.info("stats")
        commands = self._redis.info("commandstats")
        own = sum(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in OWN_COMMANDS)
        return {
            "commands": sum(each["calls"] for each in commands.values()) - own,
            "bytes": stats["total_net_input_bytes"] + stats["total_net_output_bytes"],
        }

    def look_at_redis(self) -> None:
        """Keep the most that the keys of one connection take now."""
        sizes: Numbers = {}
        for key in self._redis.scan_iter(count=1_000):
            connection = key.partition(b"{")[2].partition(b"}")[0].decode()
            sizes[connection] = sizes.get(connection, 0) + (self._redis.memory_usage(key, samples=0) or 0)
        sizes.pop("", None)
        self.redis_bytes_per_connection = max([self.redis_bytes_per_connection, *map(int, sizes.values())])

    def settled(self, whisper: CountingWhisper) -> dict[str, Numbers]:
        """Wait until nothing moves any more. Raises `SystemExit` when that takes too long."""
        give_up_s = time.monotonic() + GIVE_UP_S
        while time.monotonic() < give_up_s:
            before, calls = self.take(), whisper.calls
            time.sleep(QUIET_S)
            after = self.take()
            if whisper.calls == calls and all(_work(before[name]) == _work(after[name]) for name in SERVICES):
                return before
        raise SystemExit(f"the services are still at work {GIVE_UP_S:g} s after the last chunk")


def _work(numbers: Numbers) -> Numbers:
    return {key: value for key, value in numbers.items() if key.startswith(("requests:", "messages:"))}


def measure(
    stack: Stack, whisper: CountingWhisper, played: Played, warm_up: Played, streams: int, speed: float
) -> Report:
    """Play `streams` meetings at `speed` and count."""
    readings = Readings(stack)
    with Client(stack.ingest_url, stack.api_token) as client:
        _play(stack, readings, Meetings(client, warm_up, ["warm-up"], speed), speed)
        begin = readings.settled(whisper)
        for _ in range(IDLE_ROUNDS):
            stack.sweep_now()
        idle, stored_before, calls, audio_s = readings.take(), stored_bytes(stack), whisper.calls, whisper.audio_s
        names = [f"meeting-{number}" for number in range(streams)]
        rounds = _play(stack, readings, Meetings(client, played, names, speed), speed)
        end = readings.settled(whisper)
    hours = played.audio_s * streams / 3600
    resident = {name: float(child.resident_bytes()) for name, child in stack.services.items()}
    stored = {kind: size - stored_before.get(kind, 0) for kind, size in stored_bytes(stack).items()}
    reads = _reads_of_transcripts(stack, readings, names)
    sweeps = used(begin, idle, 1 / IDLE_ROUNDS)
    without = {name: _less(end[name], begin[name], idle[name], rounds / IDLE_ROUNDS) for name in end}
    sent_s = whisper.audio_s - audio_s
    return Report(
        settings={},
        audio_s=round(played.audio_s * streams, 1),
        speech_s=round(played.speech_s * streams, 1),
        hour=used(idle, without, 1 / hours),
        sweeps=sweeps,
        whisper=Whisper(
            calls=round((whisper.calls - calls) / hours, 1),
            audio_s=round(sent_s / hours, 1),
            per_speech_s=round(sent_s / played.speech_s / streams, 3),
        ),
        stored_bytes={kind: round(size / hours) for kind, size in stored.items()},
        redis_bytes_per_connection=readings.redis_bytes_per_connection,
        firestore_reads_per_transcript=round(reads / hours, 1),
        resident_bytes=resident,
    )


def _play(stack: Stack, readings: Readings, meetings: Meetings, speed: float) -> int:
    """Sweep once for each minute of audio until all is sent; how often that was."""
    minute_s = 60 / speed
    next_s, rounds = time.monotonic() + minute_s, 0
    while meetings.are_playing:
        time.sleep(min(0.5, max(0.0, next_s - time.monotonic())))
        if time.monotonic() >= next_s:
            readings.look_at_redis()
            stack.sweep_now()
            rounds += 1
            next_s += minute_s
    return rounds


def _less(end: Numbers, begin: Numbers, idle: Numbers, share: float) -> Numbers:
    """`end` without what the sweeps alone would have used: `share` of what they used from `begin` to `idle`."""
    return {key: value - share * (idle.get(key, 0) - begin.get(key, 0)) for key, value in end.items()}


def _reads_of_transcripts(stack: Stack, readings: Readings, names: list[str]) -> float:
    """Documents that are read for whole transcripts. Raises `SystemExit` when one is not complete."""
    before = readings.take()["api"].get("firestore:reads", 0)
    with Client(stack.read_url, stack.api_token) as reads:
        for name in names:
            if not reads.transcript(name).complete:
                raise SystemExit(f"the transcript of {name} is not complete")
    return readings.take()["api"]["firestore:reads"] - before


def stored_bytes(stack: Stack) -> Numbers:
    """Bytes in the bucket, by kind."""
    sizes: Numbers = {}
    url = f"http://127.0.0.1:{stack.emulators.gcs.port}/storage/v1/b/{BUCKET}/o"
    page = ""
    while True:
        fields = {"fields": "items(name,size),nextPageToken", "pageToken": page}
        answer = urllib3.request("GET", url, fields=fields, retries=False, timeout=60).json()
        for each in answer.get("items", []):
            kind = next((kind for kind in KINDS if f"/{kind}/" in each["name"]), "other")
            sizes[kind] = sizes.get(kind, 0) + int(each["size"])
        page = answer.get("nextPageToken", "")
        if not page:
            return sizes


def run(streams: int, minutes: int, speed: float, *, chunk_sec: float, window_sec: float, step_sec: float) -> Report:
    """A stack of its own, and the figures."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TURNSCRIBE_", "WHISPER_"))}
    own = {
        "TRANSCRIBER_STEP_SEC": f"{step_sec:g}",
        "AUDIO_CHUNK_DURATION_SEC": f"{chunk_sec:g}",
        "WEB_CONCURRENCY": "1",
        "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": NEVER_S,
    }
    chunk_ms, window_ms = round(chunk_sec * 1000), round(window_sec * 1000)
    with tempfile.TemporaryDirectory() as made, CountingWhisper() as whisper:
        folder = Path(made)
        warm_up = long_meeting(folder, WARM_UP_MINUTES, chunk_ms=chunk_ms, window_ms=window_ms)
        played = long_meeting(folder, minutes, chunk_ms=chunk_ms, window_ms=window_ms)
        with CountedStack(folder / "stack", inherited | own | {"WHISPER_SERVICE_URL": whisper.url}) as stack:
            report = measure(stack, whisper, played, warm_up, streams, speed)
    settings = {"streams": streams, "minutes": minutes, "speed": speed}
    settings |= {"chunk_sec": chunk_sec, "window_sec": window_sec, "step_sec": step_sec}
    return msgspec.structs.replace(report, settings=settings)


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=2, help="meetings side by side (default: 2)")
    parser.add_argument("--minutes", type=int, default=30, help="length of each (default: 30)")
    parser.add_argument("--speed", type=float, default=10.0, help="how much faster than they were (default: 10)")
    parser.add_argument("--chunk-sec", type=float, default=3.0, help="length of a chunk (default: 3)")
    parser.add_argument("--window-sec", type=float, default=1.0, help="speaker activity in one request (default: 1)")
    parser.add_argument("--step-sec", type=float, default=5.0, help="TRANSCRIBER_STEP_SEC (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    report = run(
        asked.streams,
        asked.minutes,
        asked.speed,
        chunk_sec=asked.chunk_sec,
        window_sec=asked.window_sec,
        step_sec=asked.step_sec,
    )
    print(msgspec.json.encode(report).decode() if asked.json else table(report))


if __name__ == "__main__":
    main()
