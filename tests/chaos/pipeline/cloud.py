"""As in production, on one machine: Google's emulators, Redis, and the four services under their own gunicorn, all behind fronts.

The emulators of Pub/Sub and Firestore keep nothing. Pub/Sub gets its topology again after each start, and its messages are gone, which
Pub/Sub itself never does: what has to come of them all the same is the sweeps' work. Firestore is never killed.
"""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import urllib3

from common.adapters.google.gcs_blob_store import GcsBlobStore
from common.errors import Retryable
from common.ports.blob_store import BlobStore
from local_cloud import services
from local_cloud.emulators import PORTS, PROJECT, Emulators
from local_runner.lifetime import tied_command
from tests.chaos.pipeline.fronts import Fronts
from tests.chaos.pipeline.installation import StackName
from tests.chaos.pipeline.machine import steady_ports
from tests.chaos.pipeline.processes import Processes
from tests.chaos.pipeline.separate import OWN_SETTINGS, SETTINGS, Disturbable, inherited, schedules_of, whisper_command

SERVICES: Final = tuple(services.SETTINGS)
LINKS: Final = ("ingest", "redis", "whisper", "gcs", "firestore", "pubsub")
_APPLY: Final = "import json, sys; from local_cloud.pubsub_bootstrap import apply_topology; apply_topology(*json.loads(sys.argv[1]))"


class CloudProcesses(Processes):
    """Pub/Sub's emulator comes back without topics."""

    apply_topology = staticmethod(lambda: None)

    def revive(self, name: str) -> None:
        came_back = name == "pubsub" and not self.children[name].is_running
        super().revive(name)
        if came_back:
            self.children[name].wait_until_listening(60)
            self.apply_topology()


class Cloud(Disturbable):
    """See `Installation`."""

    name: StackName = "cloud"
    data_dir = None

    def __init__(self, folder: Path, environ: Mapping[str, str], *, real_whisper: bool = False) -> None:
        super().__init__(folder, environ)
        self._processes: CloudProcesses = CloudProcesses(self.log_folder, inherited())
        self._settings = dict(environ)
        self._real_whisper = real_whisper
        self._emulators = Emulators(folder / "emulators", inherited(), self.log_folder, steady_ports(PORTS))
        names = (*SERVICES, "whisper")
        self._ports = dict(zip(names, steady_ports(len(names)), strict=True))
        self._redis_port = self._emulators.redis.port
        (self._push_port,) = steady_ports(1)
        leads = self._ports | {child.name: child.port for child in self._emulators.all}
        links = dict(zip(LINKS, steady_ports(len(LINKS)), strict=True))
        self._links = {name: (port, leads[name]) for name, port in links.items()}
        self.ingest_url = f"http://127.0.0.1:{links['ingest']}"
        self.read_url = self._url("api")

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def sweep_urls(self) -> list[str]:
        return schedules_of({name: self._url(name) for name in SERVICES})

    def _bring_up(self) -> None:
        running = self._processes.running
        targets = {name: self._ports[name] for name in SERVICES}
        self._fronts = running.enter_context(Fronts(self._links, self._push_port, targets))
        running.enter_context(self._emulators)
        running.callback(self._emulators.kill)
        self._emulators.create_bucket(services.BUCKET)
        for child in self._emulators.all:
            self._processes.adopt(child)
        ports = self._ports
        whisper = {"API_HOST": "127.0.0.1", "API_PORT": str(ports["whisper"])}
        self._processes.add(
            "whisper", whisper_command(ports["whisper"], real=self._real_whisper), ports["whisper"], whisper
        )
        for name in SERVICES:
            environ = self._service_environ(name)
            command = services.service_command(name)
            self._processes.add(name, command, ports[name], environ, health="/health/ready")
        self._processes.apply_topology = self._apply_topology
        self._apply_topology()
        self._processes.start("whisper", *SERVICES)

    def _service_environ(self, name: str) -> dict[str, str]:
        """The stack's, but for the ways that lead through fronts."""
        settings = inherited() | SETTINGS | self._settings
        environ = services.service_environ(
            settings,
            self._emulators,
            api_token=self.api_token,
            whisper_url=f"http://127.0.0.1:{self._links['whisper'][0]}",
            port=self._ports[name],
            read_port=self._ports["api"],
        )
        fronts = {
            "REDIS_PORT": str(self._links["redis"][0]),
            "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{self._links['pubsub'][0]}",
            "FIRESTORE_EMULATOR_HOST": f"127.0.0.1:{self._links['firestore'][0]}",
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{self._links['gcs'][0]}",
        }
        return environ | services.own_environ(name, settings) | OWN_SETTINGS.get(name, {}) | fronts

    def _apply_topology(self) -> None:
        urls = {name: f"http://127.0.0.1:{self._push_port}/{name}" for name in SERVICES}
        command = [sys.executable, "-c", _APPLY, json.dumps([PROJECT, "", urls])]
        environ = inherited() | self._emulators.environ
        done = subprocess.run(tied_command(command), env=environ, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()

    def blobs(self) -> BlobStore:
        os.environ["STORAGE_EMULATOR_HOST"] = self._emulators.environ["STORAGE_EMULATOR_HOST"]
        return GcsBlobStore(PROJECT, services.BUCKET)

    def waiting(self) -> int:
        return 0

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        url = f"http://127.0.0.1:{self._emulators.pubsub.port}/v1/projects/{PROJECT}/topics/{topic}:publish"
        message = {"data": base64.b64encode(data).decode(), "attributes": dict(attributes)}
        answer = None
        with suppress(urllib3.exceptions.HTTPError):
            answer = urllib3.request("POST", url, json={"messages": [message]}, retries=False, timeout=10)
        if answer is None or answer.status != 200:
            raise Retryable("the queue has not taken it", reason="not_published")
