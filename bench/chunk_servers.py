"""What `bench.ingest` uploads to: ingest on either kind of adapters, and the bare route, each under the services' own gunicorn.

Nobody takes events out of the queue meanwhile: that is no work of ingest's.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import urllib3

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.sqlite_tokens import SqliteTokenStore
from common.adapters.embedded.subscriptions import Subscription
from common.clock import SystemClock
from common.ports.token_store import Scope, TokenRecord, hash_of
from common.topology import topology
from local_cloud import services
from local_cloud.emulators import Emulators
from local_cloud.processes import Child, free_port

API_TOKEN: Final = "bench-operator"  # noqa: S105 -- of servers that live as long as the bench
UPLOAD_TOKEN: Final = "bench-tenant"  # noqa: S105
"""A tenant's, from the token store: the way of all uploads but the operator's own."""
UPLOAD_RECORD: Final = TokenRecord(
    token_id="bench",  # noqa: S106 -- names the token, and is none
    token_hash=hash_of(UPLOAD_TOKEN),
    tenant="bench",
    scopes=frozenset({Scope.INGEST}),
    enabled=True,
    created_at_ms=0,
)
LIMITS: Final = {"TENANT_REQUESTS_PER_SEC": "1000000", "TENANT_CONCURRENT_REQUESTS": "1000"}
"""Counted, and never reached."""
READY_S: Final = 60.0
NOWHERE: Final = "http://127.0.0.1:9"
"""Transcripts are not read here."""
BARE: Final = "bench.bare_route:application()"
INGEST: Final = "ingest_service.bootstrap:application()"


@contextmanager
def bare_route(folder: Path, environ: Mapping[str, str]) -> Iterator[Child]:
    """The route to compare with."""
    with _served("bare", BARE, folder, environ) as server:
        yield server


@contextmanager
def embedded_ingest(folder: Path, environ: Mapping[str, str]) -> Iterator[Child]:
    """Ingest on files and SQLite, with the subscriptions of this release: an event for nobody would cost nothing."""
    data = folder / "data"
    subscribed_queue(DataDir(data).queue).close()
    with closing(SqliteTokenStore(DataDir(data).tokens)) as tokens:
        tokens.put(UPLOAD_RECORD)
    with _served(
        "ingest", INGEST, folder, {**environ, **LIMITS, "API_TOKEN": API_TOKEN, "DATA_DIR": str(data)}
    ) as server:
        yield server


def subscribed_queue(path: Path) -> SqliteQueue:
    """The queue in the file `path`, with the subscriptions of this release."""
    queue = SqliteQueue(path, SystemClock())
    for name, wanted in topology().subscriptions.items():
        queue.subscribe(Subscription(name=name, topic=wanted.topic, endpoint=NOWHERE + wanted.path))
    return queue


@contextmanager
def cloud_ingest(folder: Path, environ: Mapping[str, str], emulators: Emulators) -> Iterator[Child]:
    """Ingest on the GCS server and the emulators, which have bucket, topics and UPLOAD_TOKEN."""
    for_ingest = services.service_environ(
        {**environ, **LIMITS},
        emulators,
        api_token=API_TOKEN,
        whisper_url=NOWHERE,
        port=free_port(),
        read_port=free_port(),
    )
    with _served("cloud-ingest", INGEST, folder, for_ingest) as server:
        yield server


@contextmanager
def _served(name: str, application: str, folder: Path, environ: Mapping[str, str]) -> Iterator[Child]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf", application]
    addressed = {**environ, "API_HOST": "127.0.0.1", "API_PORT": str(port), "WEB_CONCURRENCY": "1"}
    child = Child(name, command, port=port, log_path=folder / f"{name}.log", environ=addressed)
    child.start()
    try:
        child.wait_until_listening(READY_S)
        _wait_until_ready(child)
        yield child
    finally:
        child.stop()


def _wait_until_ready(child: Child) -> None:
    deadline_s = time.monotonic() + READY_S
    while not _is_ready(child.port):
        if not child.is_running or time.monotonic() > deadline_s:
            raise SystemExit(f"{child.name} is not ready: {child.log_path.read_text(errors='replace')[-2_000:]}")
        time.sleep(0.1)


def _is_ready(port: int) -> bool:
    try:
        answer = urllib3.request("GET", f"http://127.0.0.1:{port}/health/ready", retries=False, timeout=30)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200
