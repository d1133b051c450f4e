"""Does anything grow while meetings come and go for an hour?

    python -m bench.soak [--stack embedded|runner|cloud] [--minutes 60] [--streams 5] [--meeting-sec 180] [--keep PATH] [--json]
    python -m bench.soak --report PATH [--json]

Plays meetings in real time, `--streams` of them at any time, each `--meeting-sec` long, one beginning whenever another ends, to real
processes (`bench.load_installation`), with live captions and a live reader of each, speaker masks every second, and a Whisper stand-in of
realistic latency in a process of its own (`bench.load_whisper`). Every minute it reads each process' memory, descriptors and threads, Redis' keys and bytes,
and the queue. `--keep` writes each sample to a file as a line of JSON at once; `--report` shows what such a file has so far.

Prints a least-squares line for each measure, without the first ten minutes (a third of shorter runs), whether it is flat, and whether
the account of any meeting misses audio. Five streams take about a sixth of one core, the stand-ins included. Ends with status 1 where
audio was lost.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.load_generator import Meeting, Plan
from bench.load_installation import INSTALLATIONS, Installation
from bench.load_play import Playing, WhisperLike, heard, installed
from bench.load_usage import usage
from bench.load_whisper import AUDIO_FACTOR, CALL_SEC, QUEUE
from bench.soak_report import Report, Sample, report, table
from local_cloud.processes import Child

WARM_UP_MINUTES: Final = 10.0
WORKERS: Final = 4
COMPLETE_S: Final = 300.0


def meetings(minutes: float, streams: int, meeting_s: float) -> tuple[Meeting, ...]:
    """So many at any time, in turns; the last ones end when the time is over. Pure."""
    every_s = meeting_s / streams
    begins = max(1, int((minutes * 60 - meeting_s) / every_s) + 1)
    return tuple(Meeting(f"soak-{number:05}", number * every_s, meeting_s) for number in range(begins))


def sample(installation: Installation, whisper: Child, minute: float) -> Sample:
    """Now."""
    redis, queue = installation.redis, installation.queue_size()
    return Sample(
        minute=round(minute, 2),
        processes={**installation.usage(), "(whisper)": usage(whisper.pid)},
        redis_keys=None if redis is None else redis.dbsize(),
        redis_bytes=None if redis is None else int(redis.info("memory")["used_memory"]),
        queue_messages=queue[0] if queue else None,
        queue_bytes=queue[1] if queue else None,
        stored_bytes=installation.stored_bytes(),
    )


def soak(
    stack: str, minutes: float, streams: int, meeting_s: float, *, every_s: float, keep: Callable[[Sample], None]
) -> Report:
    """An installation of its own, and what it holds, every `every_s`."""
    planned = meetings(minutes, streams, meeting_s)
    whisper_like = WhisperLike(WORKERS, QUEUE, CALL_SEC, AUDIO_FACTOR)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder, installed(stack, Path(folder), whisper_like, {}) as running:
        installation, whisper = running
        began_s = time.monotonic()
        read_port = int(installation.read_url.rpartition(":")[2])
        playing = Playing(Plan(installation.ingest_port, installation.api_token, planned, read_port))
        try:
            while playing.is_going_on:
                samples.append(sample(installation, whisper, (time.monotonic() - began_s) / 60))
                keep(samples[-1])
                _wait(playing, began_s + len(samples) * every_s)
            sent = playing.sent()
        finally:
            playing.stop()
        end = heard(installation, sent.audio_ms, within_s=COMPLETE_S)
    return report(
        stack,
        samples,
        warm_up_minutes=warm_up(samples),
        meetings=len(planned),
        audio_s=sum(sent.audio_ms.values()) / 1000,
        lost_ms=end.lost_ms,
        incomplete=end.incomplete,
        statuses=sent.statuses,
        events=sent.events,
    )


def warm_up(samples: Sequence[Sample]) -> float:
    """Minutes that don't count."""
    return min(WARM_UP_MINUTES, samples[-1].minute / 3) if samples else 0.0


def _wait(playing: Playing, until_s: float) -> None:
    while playing.is_going_on and (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(1.0, left_s))


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--stack", choices=INSTALLATIONS, default="embedded", help="what to play to (default: embedded)"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--streams", type=int, default=5, help="meetings at any time (default: 5)")
    parser.add_argument("--meeting-sec", type=float, default=180.0, help="length of each (default: 180)")
    parser.add_argument("--every-sec", type=float, default=60.0, help="between two samples (default: 60)")
    parser.add_argument("--keep", type=Path, metavar="PATH", help="file that gets each sample at once")
    parser.add_argument("--report", type=Path, metavar="PATH", help="play nothing; show what this file has so far")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    if asked.report:
        kept = [msgspec.json.decode(line, type=Sample) for line in asked.report.read_bytes().splitlines()]
        result = report(asked.stack, kept, warm_up_minutes=warm_up(kept))
    else:

        def keep(taken: Sample) -> None:
            if asked.keep:
                with asked.keep.open("ab") as file:
                    file.write(msgspec.json.encode(taken) + b"\n")

        result = soak(asked.stack, asked.minutes, asked.streams, asked.meeting_sec, every_s=asked.every_sec, keep=keep)
    print(msgspec.json.encode(result).decode() if asked.json else table(result), flush=True)
    sys.exit(1 if result.lost_ms else 0)


if __name__ == "__main__":
    main()
