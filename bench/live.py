"""How long does a stored segment take to the last of many readers of a live meeting, and what does it cost?

    python -m bench.live [--segments 20] [--pace 0.5] [--cloud] [--json]

Lets 0, 1, 50 and 200 readers watch a meeting of an hour at the transcribe service, under the services' own gunicorn with one worker,
while segments of 30 words are stored. Two ways of storing, since a server sees at once what it stores itself and asks for what others
have stored every LIVE_POLL_SEC:

- by the server: a push, a Whisper that answers at once, the store. Time runs from Whisper's answer, so storing it is part of it.
- by another process, past the server. Time runs from when the store said that it is durable.

Prints milliseconds to the first, the median and the last reader, and CPU milliseconds of the server's processes (user and system) per
segment; without readers that is what storing costs. Readers are one process beside the server and count for nothing but the processor
that they take away from it: on two processors the last reader waits for the others' readers, too.

With `--cloud` on the cloud's adapters: emulators and a GCS server on this machine.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import urllib3

from bench.chunk_servers import subscribed_queue
from bench.live_readers import Audience, Readers
from bench.live_report import Report, Watching, table, watching
from bench.live_writer import begin, call, segment_id
from common.adapters.embedded.data_dir import DataDir
from local_cloud import services
from local_cloud.emulators import Emulators
from local_cloud.process_times import user_and_system_seconds
from local_cloud.processes import Child, free_ports

READERS: Final = (0, 1, 50, 200)
SEGMENTS: Final = 20
PACE_S: Final = 0.5
HISTORY: Final = 360
"""Segments of an hour."""
HERE: Final = "stored by the server"
ELSEWHERE: Final = "stored by another process"
API_TOKEN: Final = "bench-reader"  # noqa: S105 -- of a server that lives as long as the bench
PUSH_TOKEN: Final = "bench-pusher"  # noqa: S105
READY_S: Final = 60.0
CALL_S: Final = 120.0
KEPT: Final = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "CLOUDSDK_ROOT", "TMPDIR")
"""What the server inherits: settings of the caller's would change what is measured."""


class Bench:
    """A server, and the process that stores."""

    def __init__(self, server: Child, writer: ProcessPoolExecutor, segments: int, pace_s: float) -> None:
        self._server = server
        self._writer = writer
        self._segments = segments
        self._pace_s = pace_s

    def run(self, stored_by: str, readers: int) -> Watching:
        """So many readers of a meeting of their own."""
        meeting_id = f"{'here' if stored_by == HERE else 'elsewhere'}-{readers}"
        last_id = self._call("prepare", meeting_id, HISTORY)
        with ExitStack() as running:
            watchers = None
            if readers:
                audience = Audience(self._server.port, API_TOKEN, meeting_id, readers)
                watchers = running.enter_context(Readers(audience, last_id))
            stored_s: dict[str, float] = {}
            before_s = sum(user_and_system_seconds(self._server.pid))
            for number in range(HISTORY, HISTORY + self._segments):
                next_s = time.monotonic() + self._pace_s
                stored_s[segment_id(meeting_id, number)] = self._store(stored_by, meeting_id, number)
                time.sleep(max(0.0, next_s - time.monotonic()))
            came = watchers.arrivals(list(stored_s)) if watchers else {}
            cpu_s = sum(user_and_system_seconds(self._server.pid)) - before_s
            memory = self._server.resident_bytes()
        delays = [[(at_s - stored_s[each]) * 1000 for at_s in times] for each, times in came.items()]
        return watching(delays, cpu_s=cpu_s, segments=self._segments, resident_bytes=memory)

    def _store(self, stored_by: str, meeting_id: str, number: int) -> float:
        if stored_by == HERE:
            pushed_s: float = self._call("push", meeting_id, number, self._server.port)
            return pushed_s
        stored_s: float = self._call("store", meeting_id, number)
        return stored_s

    def _call(self, name: str, *arguments: Any) -> Any:
        return self._writer.submit(call, name, *arguments).result(CALL_S)


def measure(readers: tuple[int, ...], segments: int, pace_s: float, *, cloud: bool) -> Report:
    """Everything that is printed."""
    with (cloud_ground if cloud else embedded_ground)() as (server, writer):
        bench = Bench(server, writer, segments, pace_s)
        runs = {each: {number: bench.run(each, number) for number in readers} for each in (HERE, ELSEWHERE)}
    here = runs[HERE]
    most, fewest = max(here), min(here)
    more_ms = here[most].cpu_ms_per_segment - here[fewest].cpu_ms_per_segment
    return Report(
        segments=segments,
        pace_s=pace_s,
        history=HISTORY,
        runs=runs,
        cpu_ms_per_event_and_reader=round(more_ms / max(1, most - fewest), 4),
    )


Ground = tuple[Child, ProcessPoolExecutor]


@contextmanager
def embedded_ground() -> Iterator[Ground]:
    """Files and SQLite."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subscribed_queue(DataDir(folder / "data").queue).close()
        ports = free_ports(2)
        environ = {"DATA_DIR": str(folder / "data"), "WHISPER_SERVICE_URL": f"http://127.0.0.1:{ports[1]}"}
        with _ground(folder, ports, environ) as ground:
            yield ground


@contextmanager
def cloud_ground() -> Iterator[Ground]:
    """The emulators of Firestore and Pub/Sub, and a GCS server."""
    with tempfile.TemporaryDirectory() as name, Emulators(Path(name) / "emulators", _kept()) as emulators:
        emulators.create_bucket(services.BUCKET)
        ports = free_ports(2)
        whisper_url = f"http://127.0.0.1:{ports[1]}"
        environ = services.service_environ(
            {}, emulators, api_token=API_TOKEN, whisper_url=whisper_url, port=ports[0], read_port=ports[0]
        )
        with _ground(Path(name), ports, environ) as (server, writer):
            writer.submit(call, "make_topics").result(CALL_S)
            yield server, writer


@contextmanager
def _ground(folder: Path, ports: tuple[int, ...], environ: dict[str, str]) -> Iterator[Ground]:
    complete = {
        **_kept(),
        "PUSH_TOKEN": PUSH_TOKEN,
        "API_TOKEN": API_TOKEN,
        "API_HOST": "127.0.0.1",
        "API_PORT": str(ports[0]),
        "WEB_CONCURRENCY": "1",
        # Readers of a run that is over hold their places until the next heartbeat finds them gone.
        "GUNICORN_THREADS": "1000",
        "LIVE_READERS": "900",
        **environ,
        "PUSH_AUTH": "token",
    }
    server = Child(
        "transcribe",
        services.service_command("transcribe"),
        port=ports[0],
        log_path=folder / "transcribe.log",
        environ=complete,
    )
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawning, initializer=begin, initargs=(complete, ports[1])) as writer:
        server.start()
        try:
            server.wait_until_listening(READY_S)
            _until(lambda: _is_ready(server.port), server)
            yield server, writer
        finally:
            server.stop()


def _is_ready(port: int) -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{port}/health/ready", retries=False, timeout=30).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _until(true: Callable[[], bool], server: Child) -> None:
    deadline_s = time.monotonic() + READY_S
    while not true():
        if not server.is_running or time.monotonic() > deadline_s:
            raise SystemExit(f"the server is not ready: {server.log_path.read_text(errors='replace')[-2_000:]}")
        time.sleep(0.1)


def _kept() -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--readers", type=int, nargs="+", default=READERS, help="numbers of readers (default: 0 1 50 200)"
    )
    parser.add_argument("--segments", type=int, default=SEGMENTS, help=f"of each run (default: {SEGMENTS})")
    parser.add_argument("--pace", type=float, default=PACE_S, help=f"seconds from one to the next (default: {PACE_S})")
    parser.add_argument("--cloud", action="store_true", help="on the cloud's adapters instead")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    report = measure(tuple(arguments.readers), arguments.segments, arguments.pace, cloud=arguments.cloud)
    print(msgspec.json.encode(report).decode() if arguments.json else table(report))


if __name__ == "__main__":
    sys.exit(main())
