"""How long from the start of a process to its first answer?

    python -m bench.cold_start [--starts 7] [--cloud] [--json]

Starts each service with its image's command (gunicorn, `common.gunicorn_conf`), and the local runner as `turnscribe serve` does,
with a Whisper that answers at once: loading a model is another matter. Prints the median of so many starts: wall milliseconds from the start of the process to
the first 200 of /health/ready and, where chunks are taken, to the first 201 of one after that; and the CPU milliseconds that all
processes had used by then. With `--cloud` also the services on the cloud's adapters (emulators and a GCS server on this machine).

The first start of each is not counted: it compiles what the image has compiled, and reads from disk what lies in memory afterwards.
Services take turns, so that whatever else the machine does meets all of them; it may be shared: compare within one run.
"""

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import urllib3

from bench.chunk_load import CHUNK_BYTES
from bench.ingest import KEPT
from bench.whisper_stand_in import WhisperStandIn
from common.topology import topology
from local_cloud import services
from local_cloud.emulators import PROJECT, Emulators, redis_server
from local_cloud.processes import Child, free_port
from turnscribe.demo.command import CONVERSATION

API_TOKEN: Final = "bench-operator"  # noqa: S105 -- of servers that live as long as the bench
RUNNER: Final = "local runner"
STARTS: Final = 7
GIVE_UP_S: Final = 60.0
OFTEN_S: Final = 0.005
_COMMANDS: Final = {name: services.service_command(name) for name in ("ingest", "segmenter", "transcribe")} | {
    RUNNER: [sys.executable, "-m", "local_runner"]
}
_MAKE_TOPICS: Final = (
    "import sys; from local_cloud.pubsub_bootstrap import create_topics; create_topics(sys.argv[1], '', sys.argv[2:])"
)
_TAKE_CHUNKS: Final = {"ingest", RUNNER}


class Milliseconds(msgspec.Struct, frozen=True):
    """Since the process was started."""

    wall_ms: float
    cpu_ms: float
    """Of all its processes until then, to 10 ms."""


class Start(msgspec.Struct, frozen=True):
    """One start of a service, or the median of several."""

    ready: Milliseconds
    """Until the first 200 of /health/ready."""
    chunk: Milliseconds | None
    """Until the first chunk was durable; None where no chunks are taken."""


@dataclass(frozen=True)
class Subject:
    """What is started again and again; each time on empty folders."""

    name: str
    environ: Mapping[str, str]
    starts: list[Start] = field(default_factory=list)

    @property
    def command(self) -> list[str]:
        """Of its image."""
        return _COMMANDS[self.name.partition(",")[0]]

    def start(self, folder: Path) -> Start:
        """Start it, ask it, end it."""
        port = free_port()
        place = {"DATA_DIR": str(folder / "data"), "API_HOST": "127.0.0.1", "API_PORT": str(port)}
        log = folder / "log"
        child = Child(self.name, self.command, port=port, log_path=log, environ={**self.environ, **place})
        began_s = time.monotonic()
        child.start()
        try:
            _ask_until(200, child, "GET", "/health/ready")
            ready = _since(began_s, child)
            if self.name.partition(",")[0] not in _TAKE_CHUNKS:
                return Start(ready, None)
            stream = f"bench-{secrets.token_hex(4)}"
            chunk = CONVERSATION.read_bytes()[:CHUNK_BYTES]
            _ask_until(201, child, "PUT", f"/v1/streams/{stream}/chunks/0?meeting_id={stream}", chunk)
            return Start(ready, _since(began_s, child))
        finally:
            child.stop()


def measure(starts: int, *, cloud: bool, uncounted: int = 1) -> dict[str, Start]:
    """The median of so many starts after the `uncounted` ones, by service."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        whisper = running.enter_context(WhisperStandIn())
        subjects = list(running.enter_context(_embedded(folder, kept, whisper.url)))
        if cloud:
            subjects += running.enter_context(_cloud(folder, kept, whisper.url))
        for number in range(uncounted + starts):
            for subject in subjects:
                place = Path(tempfile.mkdtemp(dir=folder))
                found = subject.start(place)
                if number >= uncounted:
                    subject.starts.append(found)
    return {subject.name: _median(subject.starts) for subject in subjects}


@contextmanager
def _embedded(folder: Path, kept: Mapping[str, str], whisper_url: str) -> Iterator[list[Subject]]:
    port = free_port()
    command = [redis_server(), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""]
    redis = Child("redis", command, port=port, log_path=folder / "redis.log", environ=kept)
    common = {**kept, "API_TOKEN": API_TOKEN, "WHISPER_SERVICE_URL": whisper_url}
    of_services = {"PUSH_TOKEN": secrets.token_hex(8), "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port)}
    redis.start()
    try:
        redis.wait_until_listening(GIVE_UP_S)
        names = [name for name in _COMMANDS if name != RUNNER]
        yield [*(Subject(name, common | of_services) for name in names), Subject(RUNNER, common)]
    finally:
        redis.stop()


@contextmanager
def _cloud(folder: Path, kept: Mapping[str, str], whisper_url: str) -> Iterator[list[Subject]]:
    with Emulators(folder / "emulators", kept) as emulators:
        emulators.create_bucket(services.BUCKET)
        make = (_MAKE_TOPICS, PROJECT, *topology().topics)
        subprocess.run([sys.executable, "-c", *make], env={**kept, **emulators.environ}, check=True)
        environ = services.service_environ(
            dict(kept), emulators, api_token=API_TOKEN, whisper_url=whisper_url, port=free_port(), read_port=free_port()
        )
        names = [name for name in _COMMANDS if name != RUNNER]
        yield [Subject(f"{name}, cloud", environ | services.own_environ(name, environ)) for name in names]


def _ask_until(status: int, child: Child, method: str, target: str, body: bytes | None = None) -> None:
    """Ask again and again. Raises `SystemExit` where it never answers so."""
    headers = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": "audio/webm;codecs=opus"}
    url, deadline_s = f"http://127.0.0.1:{child.port}{target}", time.monotonic() + GIVE_UP_S
    said = "nothing"
    while child.is_running and time.monotonic() < deadline_s:
        try:
            answer = urllib3.request(method, url, body=body, headers=headers, retries=False, timeout=30)
        except urllib3.exceptions.HTTPError:
            pass
        else:
            if answer.status == status:
                return
            said = f"{answer.status} {answer.data.decode(errors='replace')}"
        time.sleep(OFTEN_S)
    log = child.log_path.read_text(errors="replace")[-2_000:]
    raise SystemExit(f"{child.name} answered {said} to {method} {target.partition('?')[0]}: {log}")


def _since(began_s: float, child: Child) -> Milliseconds:
    wall_ms = (time.monotonic() - began_s) * 1000
    return Milliseconds(round(wall_ms, 1), round(child.cpu_seconds() * 1000, 1))


def _median(starts: list[Start]) -> Start:
    chunks = [start.chunk for start in starts if start.chunk is not None]
    return Start(_middle([start.ready for start in starts]), _middle(chunks) if chunks else None)


def _middle(each: list[Milliseconds]) -> Milliseconds:
    return Milliseconds(
        round(statistics.median(one.wall_ms for one in each), 1),
        round(statistics.median(one.cpu_ms for one in each), 1),
    )


def table(found: Mapping[str, Start], starts: int) -> str:
    """For people."""
    load = os.getloadavg()[0]
    lines = [f"{f'median of {starts} starts; load {load:.1f}':<32}{'ready':>10}{'CPU':>10}{'1st chunk':>12}{'CPU':>10}"]
    for name, start in found.items():
        chunk = f"{start.chunk.wall_ms:>12.0f}{start.chunk.cpu_ms:>10.0f}" if start.chunk else f"{'-':>12}{'-':>10}"
        lines.append(f"{f'ms, {name}':<32}{start.ready.wall_ms:>10.0f}{start.ready.cpu_ms:>10.0f}{chunk}")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=STARTS, help=f"of each service (default: {STARTS})")
    parser.add_argument("--cloud", action="store_true", help="the services on the cloud's adapters too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = measure(arguments.starts, cloud=arguments.cloud)
    print(msgspec.json.encode(found).decode() if arguments.json else table(found, arguments.starts))


if __name__ == "__main__":
    main()
