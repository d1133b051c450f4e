"""The three services apart on embedded adapters: each under its own gunicorn, a real Redis, the queue's dispatcher in its own process."""

import sys
from collections.abc import Mapping
from pathlib import Path

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.clock import SystemClock
from common.events import Message
from common.ports.blob_store import BlobStore
from local_cloud.emulators import redis_server
from tests.chaos.pipeline.fronts import Fronts
from tests.chaos.pipeline.installation import StackName
from tests.chaos.pipeline.machine import SmallDisk, steady_ports
from tests.chaos.pipeline.separate import GUNICORN, OWN_SETTINGS, Disturbable, schedules_of, whisper_command

SERVICES = ("ingest", "segmenter", "transcribe")


def publish_to(data_dir: Path, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
    """Put a message into the embedded queue. Raises `Retryable`."""
    queue = SqliteQueue(DataDir(data_dir).queue, SystemClock())
    try:
        queue.publish(topic, Message(data, dict(attributes)))
    finally:
        queue.close()


def waiting_in(data_dir: Path) -> int:
    """Messages of the embedded queue that are not acknowledged."""
    queue = SqliteQueue(DataDir(data_dir).queue, SystemClock())
    try:
        return sum(backlog.messages for backlog in queue.backlogs())
    finally:
        queue.close()


class Embedded(Disturbable):
    """See `Installation`."""

    name: StackName = "embedded"

    def __init__(self, folder: Path, environ: Mapping[str, str], *, real_whisper: bool = False) -> None:
        super().__init__(folder, environ)
        self._real_whisper = real_whisper
        self.data_dir: Path = folder / "data"
        self._ports = dict(zip((*SERVICES, "redis", "whisper"), steady_ports(5), strict=True))
        self._redis_port = self._ports["redis"]
        links = dict(zip(("ingest", "redis", "whisper"), steady_ports(3), strict=True))
        (self._push_port,) = steady_ports(1)
        self._links = {name: (port, self._ports[name]) for name, port in links.items()}
        self.ingest_url = f"http://127.0.0.1:{links['ingest']}"
        self.read_url = self._url("transcribe")

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def sweep_urls(self) -> list[str]:
        return schedules_of({name: self._url(name) for name in SERVICES})

    def _bring_up(self) -> None:
        self._disk = self._processes.running.enter_context(SmallDisk(self.data_dir))
        services = {name: self._ports[name] for name in SERVICES}
        self._fronts = self._processes.running.enter_context(Fronts(self._links, self._push_port, services))
        ports = self._ports
        command = [redis_server(), "--bind", "127.0.0.1", "--port", str(ports["redis"]), "--dir", str(self.folder)]
        self._processes.add("redis", [*command, "--save", ""], ports["redis"], {})
        whisper = {"API_HOST": "127.0.0.1", "API_PORT": str(ports["whisper"])}
        self._processes.add(
            "whisper", whisper_command(ports["whisper"], real=self._real_whisper), ports["whisper"], whisper
        )
        shared = {
            "API_TOKEN": self.api_token,
            "PUSH_TOKEN": self._push_token,
            "DATA_DIR": str(self.data_dir),
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self._links["redis"][0]),
            "WHISPER_SERVICE_URL": f"http://127.0.0.1:{self._links['whisper'][0]}",
            "TRANSCRIPT_API_URL": self.read_url,
        }
        for name in SERVICES:
            own = {**shared, **OWN_SETTINGS.get(name, {}), "API_HOST": "127.0.0.1", "API_PORT": str(ports[name])}
            application = f"{name}_service.bootstrap:application()"
            self._processes.add(name, [*GUNICORN, application], ports[name], own, health="/health/ready")
        front_url = f"http://127.0.0.1:{self._push_port}"
        dispatcher = [sys.executable, "-m", "tests.chaos.pipeline.dispatcher", str(self.data_dir), front_url]
        self._processes.add("queue", dispatcher, 0, shared)
        self._processes.start("redis", "whisper", *SERVICES, "queue")

    def blobs(self) -> BlobStore:
        return FileBlobStore(DataDir(self.data_dir).objects)

    def waiting(self) -> int:
        return waiting_in(self.data_dir)

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        publish_to(self.data_dir, topic, data, attributes)
