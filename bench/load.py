"""How many live streams does this machine carry, where does each resource go, and what becomes of more?

    python -m bench.load [--stack embedded|runner|cloud] [--streams 10,20,40,60,80,120,160] [--seconds 60] [--whisper-workers 16] [--json]

Plays streams in real time to real processes (`bench.load_installation`), each step with so many at a time: 3-s WebM chunks of the
shipped conversation, speaker masks every second, live captions, default settings. Uploaders are a process of their own with little CPU;
so is the stand-in for Whisper (`bench.load_whisper`), of which transcribe asks as many calls at a time as it has workers
(PROCESSING_THREADS). Streams of a step begin within SPREAD_S, last `--seconds`, and then all transcripts are waited for: their accounts
say whether any audio is missing. A step takes some `--seconds` + 20 s, and longer past capacity; after the second step past it no
other begins (`--all`: every one).

CPU counts from a step's begin until its transcripts are complete, sweeps included. A live revision is late where it is stored more than
5 s after its last chunk was accepted; finals are behind by the same clock, and waiting for a place to cut is part of it. Ends with
status 1 where audio was lost.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.load_generator import NO_ANSWER, Meeting, Plan
from bench.load_installation import INSTALLATIONS, Installation
from bench.load_logs import Logs, Said
from bench.load_play import Playing, WhisperLike, heard, installed
from bench.load_report import STEP_MS, Report, Revisions, Spread, Step, spread, table
from bench.load_usage import MIB, Usage
from bench.load_whisper import AUDIO_FACTOR, CALL_SEC, QUEUE, WORKERS

STEPS: Final = "10,20,40,60,80,120,160"
SPREAD_S: Final = 10.0
WARM_UP_S: Final = 12.0
LOOK_S: Final = 2.0
COMPLETE_S: Final = 900.0
NOTHING: Final = Spread(0.0, 0.0, 0.0)
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


class Watch(threading.Thread):
    """Keeps the most that processes have and Redis holds, until it is stopped."""

    def __init__(self, installation: Installation) -> None:
        super().__init__(name="watch", daemon=True)
        self._installation = installation
        self._stop_asked = threading.Event()
        self.most: dict[str, Usage] = {}
        self.redis_bytes = 0

    def run(self) -> None:
        """Look again and again."""
        while not self._stop_asked.wait(LOOK_S):
            for name, now in self._installation.usage().items():
                before = self.most.get(name, now)
                self.most[name] = Usage(
                    now.cpu_s,
                    max(before.resident_bytes, now.resident_bytes),
                    max(before.private_bytes, now.private_bytes),
                    max(before.descriptors, now.descriptors),
                    max(before.threads, now.threads),
                )
            self.redis_bytes = max(self.redis_bytes, dataset_bytes(self._installation) or 0)

    def stop(self) -> None:
        """Look no more."""
        self._stop_asked.set()
        self.join()


class Bench:
    """The steps at one installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._logs = Logs({name: child.log_path for name, child in installation.services.items()})
        self._without = installation.usage()
        self.play(1, WARM_UP_S, "warm-up")
        self._without = installation.usage()

    def play(self, streams: int, seconds: float, name: str) -> Step:
        """Play so many streams and wait for their transcripts."""
        at = self._installation
        meetings = [Meeting(f"{name}-{number}", SPREAD_S * number / streams, seconds) for number in range(streams)]
        before, began_s, busy_before = at.usage(), time.monotonic(), busy_s()
        redis_before = dataset_bytes(at)
        watch, playing = Watch(at), Playing(Plan(at.ingest_port, at.api_token, tuple(meetings)))
        watch.start()
        try:
            sent = playing.sent()
            played_s = time.monotonic() - began_s
            became = heard(at, sent.audio_ms, within_s=COMPLETE_S)
        finally:
            playing.stop()
            watch.stop()
        after, took_s = at.usage(), time.monotonic() - began_s
        audio_s = sum(sent.audio_ms.values()) / 1000
        cpu = {each: (of.cpu_s - before[each].cpu_s) / audio_s for each, of in after.items() if each in before}
        services = {each: round(share, 5) for each, share in cpu.items() if each in at.services}
        more_bytes = sum(watch.most[each].resident_bytes - self._without[each].resident_bytes for each in at.services)
        redis_bytes = None if redis_before is None else round((watch.redis_bytes - redis_before) / streams)
        said = self._logs.news()
        return Step(
            streams=streams,
            audio_s=audio_s,
            played_s=round(played_s, 1),
            complete_s=became.took_s,
            cpu_per_audio_s=services,
            besides_cpu_per_audio_s={each: round(share, 5) for each, share in cpu.items() if each not in services},
            streams_per_core=round(1 / sum(services.values()), 1),
            machine_busy=round((busy_s() - busy_before) / took_s / (os.cpu_count() or 1), 3),
            resident_mib={each: round(of.resident_bytes / MIB, 1) for each, of in watch.most.items()},
            resident_mib_per_stream=round(more_bytes / MIB / streams, 3),
            descriptors={each: of.descriptors for each, of in watch.most.items()},
            redis_bytes_per_stream=redis_bytes,
            requests_per_s=_requests_per_s(said, at, played_s),
            live=_revisions(said),
            finals=said.announced[True],
            final_behind_ms=spread(said.behind_ms[True]),
            lost_ms=became.lost_ms,
            incomplete=became.incomplete,
            troubles=dict(said.troubles),
            upload_ms=spread(sent.took_ms) or NOTHING,
            upload_late_ms=spread(sent.late_ms) or NOTHING,
            uploads_refused=sent.statuses.get(429, 0),
            uploads_failed=sum(
                count for status, count in sent.statuses.items() if status == NO_ANSWER or status >= 500
            ),
        )


def _told(step: Step) -> str:
    behind = step.final_behind_ms or NOTHING
    return (
        f"{step.streams} streams: {step.live.shed_share:.1%} of live revisions given up or late, finals behind by {behind.p95 / 1000:.1f} s "
        f"(p95), {step.uploads_refused} uploads answered 429, {step.uploads_failed} failed, {step.lost_ms} ms lost"
    )


def _revisions(said: Said) -> Revisions:
    late = sum(behind_ms > STEP_MS for behind_ms in said.behind_ms[False])
    return Revisions(said.announced[False], dict(said.given_up), late)


def _requests_per_s(said: Said, at: Installation, played_s: float) -> dict[str, float]:
    counts = {name: sum(count for (of, _), count in said.answers.items() if of == name) for name in at.services}
    return {name: round(count / played_s, 2) for name, count in counts.items()}


def dataset_bytes(at: Installation) -> int | None:
    """What Redis has stored, without its own; None where it can't be asked."""
    return None if at.redis is None else int(at.redis.info("memory")["used_memory_dataset"])


def busy_s() -> float:
    """CPU time of the whole machine that was not idle."""
    fields = [int(each) for each in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICKS_A_SECOND


def run(
    stack: str,
    steps: Sequence[int],
    seconds: float,
    whisper: WhisperLike,
    settings: Mapping[str, str],
    *,
    all_steps: bool,
) -> Report:
    """An installation of its own, and what it did in each step."""
    done: list[Step] = []
    with tempfile.TemporaryDirectory() as folder, installed(stack, Path(folder), whisper, settings) as running:
        bench = Bench(running[0])
        for number, streams in enumerate(steps):
            done.append(bench.play(streams, seconds, f"step-{number}"))
            print(_told(done[-1]), file=sys.stderr, flush=True)
            if not all_steps and sum(step.past_capacity for step in done) >= 2:
                break
    return Report(stack, seconds, msgspec.to_builtins(whisper), os.cpu_count() or 1, done)


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--stack", choices=INSTALLATIONS, default="embedded", help="what to play to (default: embedded)"
    )
    parser.add_argument("--streams", default=STEPS, help=f"streams at a time, step by step (default: {STEPS})")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each stream (default: 60)")
    parser.add_argument("--all", action="store_true", help="every step, however far past capacity")
    parser.add_argument("--whisper-workers", type=int, default=WORKERS, help=f"calls at a time (default: {WORKERS})")
    parser.add_argument(
        "--whisper-queue", type=int, default=QUEUE, help=f"calls that may wait there (default: {QUEUE})"
    )
    parser.add_argument("--call-sec", type=float, default=CALL_SEC, help=f"seconds of a call (default: {CALL_SEC})")
    parser.add_argument(
        "--audio-factor",
        type=float,
        default=AUDIO_FACTOR,
        help=f"and so many for each of its audio (default: {AUDIO_FACTOR})",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the services other than its default, such as TENANT_REQUESTS_PER_SEC=20; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    whisper = WhisperLike(asked.whisper_workers, asked.whisper_queue, asked.call_sec, asked.audio_factor)
    steps = [int(each) for each in asked.streams.split(",")]
    settings = dict(each.split("=", 1) for each in asked.set)
    report = run(asked.stack, steps, asked.seconds, whisper, settings, all_steps=asked.all)
    print(msgspec.json.encode(report).decode() if asked.json else table(report), flush=True)
    sys.exit(1 if any(step.lost_ms or step.incomplete for step in report.steps) else 0)


if __name__ == "__main__":
    main()
