"""What the local runner reads: the settings of all three services from one environment, and what it fills in itself.

Filled in where unset: API_TOKEN (kept in DATA_DIR), PUSH_TOKEN (random for each start), WHISPER_SERVICE_URL (a Whisper server that
the runner starts), TRANSCRIPT_API_URL (its own). PUSH_ACK_DEADLINE_SEC is generous here, because one small machine may do everything.
"""

import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final, TypeVar

import msgspec

from common.settings import Settings, SettingsError, load
from ingest_service.settings import IngestSettings
from segmenter_service.settings import SegmenterSettings
from transcribe_service.settings import TranscribeSettings
from whisper_service.settings import WhisperSettings

PUSH_ACK_DEADLINE_S: Final = 300
ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "[::]": "[::1]"}  # noqa: S104 -- recognised, not bound
CLOUD_NAMES: Final = {
    "GCS_BUCKET": "GCS_BUCKET: the local runner keeps everything below DATA_DIR and would not use it; unset it, or run the services "
    "themselves, as `make stack` does"
}
"""Variables that mean something to the services on their own, and would be ignored here."""
S = TypeVar("S", bound=Settings)


class SharedSettings(Settings, frozen=True, kw_only=True):
    """What can be read before the folder is locked: no variable is required."""

    REQUIRED: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True)
class WhisperChild:
    """The Whisper server that the runner starts: its port on 127.0.0.1 and its whole environment."""

    port: int
    environ: Mapping[str, str]

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class RunnerSettings:
    """Everything that the runner needs to know."""

    ingest: IngestSettings
    segmenter: SegmenterSettings
    transcribe: TranscribeSettings
    whisper: WhisperChild | None
    """None when WHISPER_SERVICE_URL names a server."""

    @property
    def shared(self) -> Settings:
        """The part that all services have in common; it is the same in each."""
        return self.ingest

    @property
    def parts(self) -> tuple[Settings, ...]:
        """The settings of each service."""
        return self.ingest, self.segmenter, self.transcribe

    @property
    def url(self) -> str:
        """Where this runner answers requests of this machine."""
        host = ANY_ADDRESS.get(self.shared.api_host, self.shared.api_host)
        return f"http://{host}:{self.shared.api_port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _whisper_child(environ: Mapping[str, str]) -> WhisperChild:
    port = _free_port()
    inherited = {name: value for name, value in environ.items() if name not in {"PORT", "API_TOKEN", "PUSH_TOKEN"}}
    return WhisperChild(port, {**inherited, "API_HOST": "127.0.0.1", "API_PORT": str(port)})


def _load(cls: type[S], environ: Mapping[str, str], problems: list[str]) -> S | None:
    """`cls` from `environ`, or None after adding what is wrong to `problems`, each problem once."""
    try:
        return load(cls, environ)
    except SettingsError as error:
        problems += [problem for problem in error.problems if problem not in problems]
        return None


def load_runner_settings(environ: Mapping[str, str], *, token: Callable[[], str]) -> RunnerSettings:
    """Read everything. `token` is asked for a token when API_TOKEN is unset. Raises `SettingsError` with all that is wrong."""
    set_here = {name: value for name, value in environ.items() if value and name not in CLOUD_NAMES}
    whisper = None if "WHISPER_SERVICE_URL" in set_here else _whisper_child(set_here)
    complete = {
        "PUSH_TOKEN": secrets.token_urlsafe(24),
        "PUSH_ACK_DEADLINE_SEC": str(PUSH_ACK_DEADLINE_S),
        "WHISPER_SERVICE_URL": whisper.url if whisper else "",
        **set_here,
        "API_TOKEN": set_here.get("API_TOKEN") or token(),
        "PUSH_AUTH": "token",  # its own queue pushes, and proves it by PUSH_TOKEN
        "TRANSCRIBE_ROLE": "all",  # there is no other process
    }
    problems = [CLOUD_NAMES[name] for name in CLOUD_NAMES if environ.get(name)]
    ingest = _load(IngestSettings, complete, problems)
    segmenter = _load(SegmenterSettings, complete, problems)
    transcribe = _load(TranscribeSettings, complete, problems)
    if whisper:
        _load(WhisperSettings, whisper.environ, problems)
    if problems or ingest is None or segmenter is None or transcribe is None:
        raise SettingsError(problems)
    runner = RunnerSettings(ingest, segmenter, transcribe, whisper)
    if ingest.transcript_api_url:
        return runner
    return replace(runner, ingest=msgspec.structs.replace(ingest, transcript_api_url=runner.url))
