"""What does an hour of audio cost ingest and the segmenter, on embedded adapters?

    python -m bench.hour [--minutes 10] [--speed 20] [--chunk-sec 3] [--window-sec 1] [--step-sec 5] [--json]

Plays one meeting (the demo conversation over and over, with who speaks) to the three services, each a process of its own, with a
Redis server, and in Whisper's place a server that answers at once. Prints for one hour of audio: CPU seconds of each service, of the
threads that push (in the cloud Pub/Sub's work) and of Redis; and for each event at the segmenter what it moves to and from Redis.

`--speed 0` plays as fast as it is taken: events then wait for each other, and one pass of the segmenter takes in several. At 20
nearly every event finds an idle segmenter, as in a live meeting. Nobody reads the transcript meanwhile. Other work on the machine makes
CPU seconds more expensive: compare runs that were interleaved.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import redis

from bench.cost_load import Meetings, Played, long_meeting
from bench.separate_services import EmbeddedServices
from bench.whisper_stand_in import WhisperStandIn
from turnscribe.client import Client
from turnscribe.errors import NotFound

WARM_UP_MINUTES: Final = 1
LOOK_S: Final = 0.5
GIVE_UP_S: Final = 900.0
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


def readings(services: EmbeddedServices, server: redis.Redis) -> Mapping[str, float]:
    """What the counters say now: CPU seconds by whom, bytes and commands of Redis."""
    info = server.info()
    return {
        **services.cpu_seconds(),
        "pushing": pushing_cpu_seconds(),
        "redis": float(info["used_cpu_user"]) + float(info["used_cpu_sys"]),
        "redis_bytes": float(info["total_net_input_bytes"]) + float(info["total_net_output_bytes"]),
        "redis_commands": float(info["total_commands_processed"]),
    }


def pushing_cpu_seconds() -> float:
    """CPU time of this process's threads that take from the queue and post."""
    ids = [thread.native_id for thread in threading.enumerate() if thread.name.startswith("push-")]
    return sum(_thread_cpu_seconds(native_id) for native_id in ids if native_id)


def _thread_cpu_seconds(native_id: int) -> float:
    fields = Path(f"/proc/self/task/{native_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def play(services: EmbeddedServices, played: Played, name: str, speed: float) -> None:
    """One meeting until its transcript is complete. Raises what playing raises, `SystemExit` when it takes too long."""
    give_up_s = time.monotonic() + GIVE_UP_S
    with Client(services.ingest_url, services.api_token) as uploads:
        meetings = Meetings(uploads, played, [name], speed)
        while meetings.are_playing:
            _pause(give_up_s)
    with Client(services.read_url, services.api_token) as reads:
        while not _is_complete(reads, name):
            _pause(give_up_s)


def _is_complete(reads: Client, name: str) -> bool:
    try:
        return reads.transcript(name).complete
    except NotFound:
        return False


def _pause(give_up_s: float) -> None:
    if time.monotonic() > give_up_s:
        raise SystemExit(f"the meeting is not through after {GIVE_UP_S:g} s")
    time.sleep(LOOK_S)


def measure(
    minutes: int, speed: float, *, chunk_sec: float = 3, window_sec: float = 1, step_sec: float = 5
) -> dict[str, object]:
    """The figures, for an hour of audio and for an event."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TURNSCRIBE_", "WHISPER_"))}
    chunk_ms, window_ms = round(chunk_sec * 1000), round(window_sec * 1000)
    with tempfile.TemporaryDirectory() as made, WhisperStandIn() as whisper:
        folder = Path(made)
        warm_up = long_meeting(folder, WARM_UP_MINUTES, chunk_ms=chunk_ms, window_ms=window_ms)
        played = long_meeting(folder, minutes, chunk_ms=chunk_ms, window_ms=window_ms)
        environ = inherited | {
            "WHISPER_SERVICE_URL": whisper.url,
            "WEB_CONCURRENCY": "1",
            "TRANSCRIBER_STEP_SEC": f"{step_sec:g}",
            "AUDIO_CHUNK_DURATION_SEC": f"{chunk_sec:g}",
        }
        with EmbeddedServices(folder, environ) as services, redis.Redis(port=services.redis_port) as server:
            play(services, warm_up, "warm-up", speed)
            before = readings(services, server)
            play(services, played, "meeting", speed)
            after = readings(services, server)
    return report(before, after, played)


def report(before: Mapping[str, float], after: Mapping[str, float], played: Played) -> dict[str, object]:
    """From two readings, with `played` between them. Pure."""
    hours = played.audio_s / 3600
    chunks, observations = len(played.recording.pieces), played.observations
    events = chunks + observations + 1
    spent = {name: value - before[name] for name, value in after.items()}
    cpu_s = {name: round(spent[name] / hours, 2) for name in ("ingest", "segmenter", "transcribe", "pushing", "redis")}
    return {
        "audio_s": round(played.audio_s, 1),
        "chunks": chunks,
        "observations": observations,
        "cpu_s_per_hour": cpu_s,
        "ingest_and_segmenter_cpu_s_per_hour": round(cpu_s["ingest"] + cpu_s["segmenter"], 2),
        "segmenter_cpu_ms_per_event": round(spent["segmenter"] * 1000 / events, 2),
        "ingest_cpu_ms_per_event": round(spent["ingest"] * 1000 / events, 2),
        "redis_bytes_per_event": round(spent["redis_bytes"] / events),
        "redis_commands_per_event": round(spent["redis_commands"] / events, 2),
    }


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=10, help="length of the meeting (default: 10)")
    parser.add_argument(
        "--speed", type=float, default=20.0, help="how much faster than it was; 0: as fast as it is taken"
    )
    parser.add_argument("--chunk-sec", type=float, default=3.0, help="length of a chunk (default: 3)")
    parser.add_argument("--window-sec", type=float, default=1.0, help="speaker activity in one request (default: 1)")
    parser.add_argument("--step-sec", type=float, default=5.0, help="TRANSCRIBER_STEP_SEC (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    result = measure(
        asked.minutes, asked.speed, chunk_sec=asked.chunk_sec, window_sec=asked.window_sec, step_sec=asked.step_sec
    )
    if asked.json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        if isinstance(value, dict):
            for name, seconds in value.items():
                print(f"{f'CPU s an hour, {name}':<40} {seconds:>10}")
        else:
            print(f"{key:<40} {value!s:>10}")


if __name__ == "__main__":
    main()
