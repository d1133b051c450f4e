"""The whole system as in production, on one machine: Google's emulators, Redis, Whisper, and each service under its own gunicorn."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import urllib3
from msgspec import structs

from common.auth import SingleToken
from common.settings import Secret, load
from common.topology import topology
from local_cloud import services
from local_cloud.emulators import PORTS, PROJECT, Emulators
from local_cloud.processes import Child, DidNotStart, check_free, free_ports
from local_cloud.stats import StatsServer, stats_app, usage, whisper_stats_of
from local_runner.data_dir import keep_token
from local_runner.lifetime import tied_command
from local_runner.sweep_timer import SweepTimer
from segmenter_service.settings import SegmenterSettings

READY_TIMEOUT_S: Final = 120.0
SERVICE_STOP_S: Final = 12.0
"""Cloud Run leaves a service 10 s, and gunicorn knows."""
_NO_PROOF: Final = Secret()
"""The services have PUSH_AUTH=none."""
_APPLY_TOPOLOGY: Final = "import json, sys; from local_cloud.pubsub_bootstrap import apply_topology; apply_topology(*json.loads(sys.argv[1]))"


class Stack:
    """Use as a context manager, in a thread that stays: entered, everything is ready; left, nothing of it runs.

    Keeps logs (`logs/*.log`) and the token (`token`, unless `environ` has API_TOKEN) in `data_dir`. The emulators begin empty
    each time. `environ` is what the services inherit, except for what would lead them elsewhere; with WHISPER_SERVICE_URL they
    use that server, and none is started. Raises `Missing`, `SettingsError` and `DidNotStart`.
    """

    def __init__(
        self, data_dir: Path, environ: Mapping[str, str], *, port: int | None = None, read_port: int | None = None
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.log_folder = self.data_dir / "logs"
        self.log_folder.mkdir(parents=True, exist_ok=True)
        environ = {name: value for name, value in environ.items() if value}
        self.api_token = environ.get("API_TOKEN") or keep_token(self.data_dir)
        shutil.rmtree(self.data_dir / "emulators", ignore_errors=True)  # the others forget, so must the bucket
        for chosen in (port, read_port):
            if chosen:
                check_free(chosen)
        free = free_ports(len(services.SETTINGS) + 1 + PORTS)
        self.emulators = Emulators(self.data_dir / "emulators", environ, self.log_folder, free[-PORTS:])
        ports = dict(zip(services.SETTINGS, free, strict=False)) | {
            name: chosen for name, chosen in (("ingest", port), ("api", read_port)) if chosen
        }
        whisper_port = free[len(services.SETTINGS)]
        whisper_environ = None if "WHISPER_SERVICE_URL" in environ else services.whisper_environ(environ, whisper_port)
        whisper_url = environ.get("WHISPER_SERVICE_URL", f"http://127.0.0.1:{whisper_port}")
        self._environs = {
            name: services.service_environ(
                environ,
                self.emulators,
                api_token=self.api_token,
                whisper_url=whisper_url,
                port=ports[name],
                read_port=ports["api"],
            )
            | services.page_environ(environ, ingest_port=ports["ingest"], read_port=ports["api"])
            | services.own_environ(name, environ)
            for name in services.SETTINGS
        }
        services.check(self._environs, whisper_environ)
        self.whisper = self._whisper(whisper_port, whisper_environ) if whisper_environ else None
        self.services = {
            name: self._child(name, services.service_command(name), ports[name], self._environs[name])
            for name in services.SETTINGS
        }
        interval_s = load(SegmenterSettings, self._environs["segmenter"]).check_and_process_connections_interval_sec
        self._sweeps = [SweepTimer(url, _NO_PROOF, interval_s) for url in self.sweep_urls]
        self._stats: StatsServer | None = None

    def _child(self, name: str, command: list[str], port: int, environ: Mapping[str, str]) -> Child:
        return Child(name, command, port=port, log_path=self.log_folder / f"{name}.log", environ=environ)

    def _whisper(self, port: int, environ: Mapping[str, str]) -> Child:
        return self._child("whisper", services.whisper_command(), port, environ)

    @property
    def ingest_url(self) -> str:
        """Where uploads go."""
        return self.urls["ingest"]

    @property
    def read_url(self) -> str:
        """Where transcripts are read."""
        return self.urls["api"]

    @property
    def stats_url(self) -> str:
        """Base URL of `GET /internal/stats`. Raises `DidNotStart` before the stack is ready."""
        if self._stats is None:
            raise DidNotStart("the stack is not ready")
        return self._stats.url

    @property
    def urls(self) -> dict[str, str]:
        """Base URL of each service of the pipeline."""
        return {name: f"http://127.0.0.1:{child.port}" for name, child in self.services.items()}

    @property
    def sweep_urls(self) -> list[str]:
        """What the scheduler posts to."""
        return [f"{self.urls[each.service]}{each.path}" for each in topology().schedules.values()]

    @property
    def children(self) -> tuple[Child, ...]:
        """Every process that this one started, in the order in which they stop."""
        whisper = (self.whisper,) if self.whisper else ()
        return (*self.services.values(), *whisper, *self.emulators.all)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self.stop()
        except BaseException:
            self.kill()
            raise

    def _start(self) -> None:
        if self.whisper:
            self.whisper.start()
        self.emulators.__enter__()
        self.emulators.create_bucket(services.BUCKET)
        for child in self.services.values():
            child.start()
        self.apply_topology()
        self.wait_until_ready()
        for sweep in self._sweeps:
            sweep.start()
        self._stats = StatsServer(stats_app(SingleToken(Secret(self.api_token)), self.stats))

    def apply_topology(self) -> None:
        """Make the topics and push subscriptions that are not there. Raises `DidNotStart` when the emulator does not take them.

        In a process of its own: Google's libraries read from the environment where the emulator is, and start threads.
        """
        prefix = self._environs["ingest"].get("PUBSUB_PREFIX", "")
        command = [sys.executable, "-c", _APPLY_TOPOLOGY, json.dumps([PROJECT, prefix, self.urls])]
        log_path = self.log_folder / "topology.log"
        with log_path.open("ab") as log:
            done = subprocess.run(  # noqa: S603 -- our own interpreter and module
                tied_command(command),
                env=self._environs["ingest"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode != 0:
            raise DidNotStart(f"the Pub/Sub emulator did not take the topology; the log is {log_path}")

    def wait_until_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Return once every service and all that it stands on answer. Raises `DidNotStart`."""
        own = (self.whisper,) if self.whisper else ()
        waiting = [*self.services.values(), *own]
        deadline_s = time.monotonic() + timeout_s
        with urllib3.PoolManager(retries=False, timeout=5.0) as pool:
            while waiting:
                child = waiting[0]
                if not child.is_running:
                    raise DidNotStart(f"{child.name} ended; its log is {child.log_path}")
                answer = _answer(pool, f"http://127.0.0.1:{child.port}/health/ready")
                if answer == "ready":
                    waiting.pop(0)
                elif time.monotonic() > deadline_s:
                    raise DidNotStart(
                        f"{child.name} is not ready after {timeout_s:g} s ({answer}); its log is {child.log_path}"
                    )
                else:
                    time.sleep(0.05)

    def sweep_now(self) -> None:
        """Do what the scheduler does, and return when it is done. Raises `RuntimeError` when a service could not."""
        for url in self.sweep_urls:
            answer = urllib3.request("POST", url, retries=False, timeout=60.0)
            if answer.status >= 300:
                raise RuntimeError(f"{url} answered {answer.status}")

    def stats(self) -> dict[str, object]:
        """What `GET /internal/stats` answers.

        `{"cpu_seconds", "queue", "whisper": {…} | null}` as the local runner says it, and besides `services` and `emulators`: name →
        `{"cpu_seconds", "resident_bytes", "pid"}`. The first is the services' together; Whisper's `busy_seconds` come on top.
        `queue` is empty: the emulator does not say what it holds.
        """
        of_services = usage(self.services.values())
        token = self._environs["transcribe"].get("WHISPER_API_TOKEN", "")
        whisper = whisper_stats_of(f"http://127.0.0.1:{self.whisper.port}", token) if self.whisper else None
        return {
            "cpu_seconds": sum(child.cpu_seconds() for child in self.services.values()),
            "queue": {},
            "whisper": None if whisper is None else structs.asdict(whisper),
            "services": of_services,
            "emulators": usage(self.emulators.all),
        }

    def stop(self) -> None:
        """End everything in order: no more sweeps, then the services with what they have in hand, Whisper, the emulators."""
        for sweep in self._sweeps:
            sweep.stop(timeout_s=5.0)
        if self._stats:
            self._stats.stop()
            self._stats = None
        for child in self.services.values():  # all at once, then wait
            child.ask_to_end()
        for child in self.services.values():
            child.stop(SERVICE_STOP_S)
        if self.whisper:
            self.whisper.stop()
        self.emulators.stop()

    def kill(self) -> None:
        """End everything at once, whatever it has in hand."""
        for child in self.children:
            child.kill()
        for sweep in self._sweeps:
            sweep.stop(timeout_s=5.0)
        if self._stats:
            self._stats.stop()
            self._stats = None


def _answer(pool: urllib3.PoolManager, url: str) -> str:
    """`ready`, or what the service says instead."""
    try:
        answer = pool.request("GET", url)
    except urllib3.exceptions.HTTPError as error:
        return type(error).__name__
    return "ready" if answer.status == 200 else answer.data.decode(errors="replace")
