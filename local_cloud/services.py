"""What runs as a service of the stack: its environment and its command, the same as in its image."""

import sys
from collections.abc import Mapping
from typing import Final

from common.server_settings import ServerSettings
from common.settings import Settings, SettingsError, load
from ingest_service.settings import IngestSettings
from local_cloud.emulators import Emulators
from segmenter_service.settings import SegmenterSettings
from transcribe_service.settings import TranscribeSettings
from whisper_service.settings import WhisperSettings

BUCKET: Final = "turnscribe-local"
SETTINGS: Final[Mapping[str, type[Settings]]] = {
    "ingest": IngestSettings,
    "segmenter": SegmenterSettings,
    "transcribe": TranscribeSettings,
    "api": TranscribeSettings,
}
"""The services of the pipeline."""
_PACKAGES: Final = {"api": "transcribe_service"}
"""Of services that share another one's image."""
_OWN: Final[Mapping[str, Mapping[str, str]]] = {
    "transcribe": {"TRANSCRIBE_ROLE": "worker"},
    "api": {"TRANSCRIBE_ROLE": "api"},
}
_THREADS: Final = {"transcribe": 16, "api": 8 + 250}
"""In one worker process. Transcribe's are pushes: two at a time of each subscription, and the sweeps. The api's are as many as there are
live readers by default, and eight for whoever reads otherwise; they are started when they are first needed."""

_ELSEWHERE: Final = frozenset(
    {
        *("API_HOST", "API_PORT", "PORT", "K_SERVICE", "DATA_DIR"),
        *("GCS_BUCKET", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS", "FIRESTORE_DATABASE"),
        *("REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD", "REDIS_TLS", "REDIS_CA_CERT"),
        *(
            "TRANSCRIPT_API_URL",
            "PUSH_AUTH",
            "PUSH_TOKEN",
            "PUSH_AUDIENCE",
            "PUSH_SERVICE_ACCOUNTS",
            "GUNICORN_CMD_ARGS",
            "TRANSCRIBE_ROLE",
        ),
        *("http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
    }
)
"""Not inherited: they would lead a service past this machine's stack."""


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without what belongs to another installation. Pure."""
    return {name: value for name, value in environ.items() if name not in _ELSEWHERE}


def service_environ(
    environ: Mapping[str, str], emulators: Emulators, *, api_token: str, whisper_url: str, port: int, read_port: int
) -> dict[str, str]:
    """The environment of a service of the pipeline on 127.0.0.1:`port`; transcripts are read at `read_port`."""
    return {
        **inherited(environ),
        **emulators.environ,
        "API_HOST": "127.0.0.1",
        "API_PORT": str(port),
        "API_TOKEN": api_token,
        "GCS_BUCKET": BUCKET,
        "PUSH_AUTH": "none",  # the emulator proves nothing
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(emulators.redis.port),
        "TRANSCRIPT_API_URL": f"http://127.0.0.1:{read_port}",
        "WHISPER_SERVICE_URL": whisper_url,
    }


def page_environ(environ: Mapping[str, str], *, ingest_port: int, read_port: int) -> dict[str, str]:
    """What lets the page at `read_port` record into ingest, which is another origin. Pure."""
    page = f"http://127.0.0.1:{read_port}"
    allowed = [*filter(None, environ.get("CORS_ALLOWED_ORIGINS", "").split(",")), page]
    return {"INGEST_PUBLIC_URL": f"http://127.0.0.1:{ingest_port}", "CORS_ALLOWED_ORIGINS": ",".join(allowed)}


def own_environ(name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What one service has besides: its role, and its threads unless `environ` says how many. Pure."""
    threads = (
        {} if environ.get("GUNICORN_THREADS") or name not in _THREADS else {"GUNICORN_THREADS": str(_THREADS[name])}
    )
    return {**_OWN.get(name, {}), **threads}


def whisper_environ(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """The environment of the Whisper server on 127.0.0.1:`port`. Pure."""
    kept = {name: value for name, value in inherited(environ).items() if name not in {"API_TOKEN", "WEB_CONCURRENCY"}}
    return {**kept, "API_HOST": "127.0.0.1", "API_PORT": str(port)}


def service_command(name: str) -> list[str]:
    """What its image runs."""
    gunicorn = (sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf")
    package = _PACKAGES.get(name, f"{name}_service")
    return [*gunicorn, f"{package}.bootstrap:application()"]


def whisper_command() -> list[str]:
    """Not under the services' gunicorn: it has a model in memory, and a queue of its own."""
    return [sys.executable, "-m", "whisper_service"]


def check(services: Mapping[str, Mapping[str, str]], whisper: Mapping[str, str] | None) -> None:
    """Raise `SettingsError` with everything that a service would refuse to start with, each problem once."""
    problems: list[str] = []
    asked: list[tuple[type[Settings], Mapping[str, str]]] = []
    for name, environ in services.items():
        asked += [(SETTINGS[name], environ), (ServerSettings, environ)]
    if whisper is not None:
        asked.append((WhisperSettings, whisper))
    for cls, environ in asked:
        try:
            load(cls, environ)
        except SettingsError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise SettingsError(problems)
