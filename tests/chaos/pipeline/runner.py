"""The shipped installation of one machine, `turnscribe serve`: one process, and a Whisper beside it."""

import sys
from collections.abc import Mapping
from pathlib import Path

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.file_blob_store import FileBlobStore
from common.ports.blob_store import BlobStore
from tests.chaos.pipeline.embedded import publish_to, waiting_in
from tests.chaos.pipeline.fronts import Fronts
from tests.chaos.pipeline.installation import StackName
from tests.chaos.pipeline.machine import SmallDisk, steady_ports
from tests.chaos.pipeline.separate import Disturbable, whisper_command


class Runner(Disturbable):
    """See `Installation`. It sweeps by itself, and Redis is inside it."""

    name: StackName = "runner"

    def __init__(self, folder: Path, environ: Mapping[str, str], *, real_whisper: bool = False) -> None:
        super().__init__(folder, environ)
        self._real_whisper = real_whisper
        self.data_dir: Path = folder / "data"
        runner, whisper, ingest_link, whisper_link, self._push_port = steady_ports(5)
        self._ports = {"runner": runner, "whisper": whisper}
        self._links = {"ingest": (ingest_link, runner), "whisper": (whisper_link, whisper)}
        self.ingest_url = f"http://127.0.0.1:{ingest_link}"
        self.read_url = f"http://127.0.0.1:{runner}"

    def sweep_urls(self) -> list[str]:
        return []

    def _bring_up(self) -> None:
        self._disk = self._processes.running.enter_context(SmallDisk(self.data_dir))
        self._fronts = self._processes.running.enter_context(Fronts(self._links, self._push_port, {}))
        ports = self._ports
        whisper = {"API_HOST": "127.0.0.1", "API_PORT": str(ports["whisper"])}
        self._processes.add(
            "whisper", whisper_command(ports["whisper"], real=self._real_whisper), ports["whisper"], whisper
        )
        own = {
            "API_TOKEN": self.api_token,
            "WHISPER_SERVICE_URL": f"http://127.0.0.1:{self._links['whisper'][0]}",
            "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1",
        }
        command = [sys.executable, "-m", "turnscribe", "serve", "--port", str(ports["runner"])]
        command += ["--data-dir", str(self.data_dir)]
        self._processes.add("runner", command, ports["runner"], own, health="/internal/health/ready")
        self._processes.start("whisper", "runner")

    def blobs(self) -> BlobStore:
        return FileBlobStore(DataDir(self.data_dir).objects)

    def waiting(self) -> int:
        return waiting_in(self.data_dir)

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        publish_to(self.data_dir, topic, data, attributes)
