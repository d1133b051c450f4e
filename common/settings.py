"""Settings: read once from the environment, typed, validated at start with a message that names the variable.

A service declares a `Settings` subclass beside its bootstrap; a field `segment_size_sec` is read from SEGMENT_SIZE_SEC.
Nothing reads `os.environ` later. Names of the earlier deployment keep a meaning that fits them.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_type_hints

import msgspec
from msgspec import Meta

SECONDS = Meta(gt=0)


class SettingsError(Exception):
    """One line for each variable that is wrong, each naming its variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """A value that never shows itself: `repr` and `str` are masked, `reveal` is the only way in."""

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The value."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***" if self._value else "(not set)"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service reads."""

    REQUIRED: ClassVar[tuple[str, ...]] = ("API_TOKEN",)
    """Variables that must be set."""

    api_host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    api_port: Annotated[
        int, Meta(ge=1, le=65535, description="Port to listen on. PORT, which Cloud Run sets, wins.")
    ] = 8080
    api_token: Annotated[Secret, Meta(description="Bearer token of uploaders and readers.")] = Secret()
    push_token: Annotated[Secret, Meta(description="Token that the embedded queue and the push routes share.")] = (
        Secret()
    )
    data_dir: Annotated[
        str, Meta(min_length=1, description="Folder of the embedded adapters: objects, queue, transcripts.")
    ] = ".turnscribe"
    gcs_bucket: Annotated[
        str,
        Meta(
            description=(
                "Bucket of audio and segments. Where it is set, the services stand on Cloud Storage, Pub/Sub and Firestore; "
                "where not, on the embedded adapters."
            )
        ),
    ] = ""
    google_cloud_project: Annotated[
        str, Meta(description="Project of bucket, topics, database and traces; must be set with GCS_BUCKET.")
    ] = ""
    pubsub_prefix: Annotated[
        str,
        Meta(
            pattern="^([A-Za-z][A-Za-z0-9._~+%-]*)?$",
            description="What the names of this installation's topics begin with, such as `dev-`.",
        ),
    ] = ""
    firestore_database: Annotated[
        str, Meta(min_length=1, description="Firestore database of transcripts and streams.")
    ] = "(default)"
    k_service: Annotated[str, Meta(description="Set by Cloud Run, and how a service knows that it runs there.")] = ""
    revision: Annotated[
        str, Meta(description="Commit that the image was built from; `/health/version` says it. Set in the image.")
    ] = ""
    trace_exporter: Annotated[
        Literal["console", "google", "none"],
        Meta(description="Where spans go: `console` (log lines at DEBUG), `google` (Cloud Trace) or `none`."),
    ] = "console"
    trace_sample_ratio: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description=(
                "Share of new traces that are recorded. A trace that was begun elsewhere is kept as it came, and on Cloud Run "
                "every one is: its front end samples at most one request in 10 s for each instance."
            ),
        ),
    ] = 1.0
    raw_audio_path: Annotated[str, Meta(description="First part of the object names of uploaded audio.")] = "raw"
    segments_path: Annotated[str, Meta(description="First part of the object names of segments.")] = "segments"
    log_level: Annotated[
        str, Meta(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR.")
    ] = "INFO"

    def problems(self) -> Iterator[str]:
        """What is wrong with values that are valid each on its own. Subclasses add theirs."""
        for name in ("raw_audio_path", "segments_path"):
            value = getattr(self, name)
            if value.startswith("/") or ".." in value or not value.strip("/"):
                yield (
                    f"{name.upper()}: is the first part of object names, such as {name.partition('_')[0]!r}, and no path on a disk; "
                    "for the folder on disk use DATA_DIR"
                )
        raw, segments = f"{self.raw_audio_path}/", f"{self.segments_path}/"
        if raw.startswith(segments) or segments.startswith(raw):
            yield "SEGMENTS_PATH: must differ from RAW_AUDIO_PATH, and neither may lie below the other"
        if (self.gcs_bucket or self.trace_exporter == "google") and not self.google_cloud_project:
            yield "GOOGLE_CLOUD_PROJECT: must be set with GCS_BUCKET and with TRACE_EXPORTER=google"


S = TypeVar("S", bound=Settings)


def _convert(raw: str, kind: Any) -> Any:
    def hook(wanted: type, value: Any) -> Any:
        if wanted is Secret:
            return Secret(value)
        raise TypeError(wanted)  # pragma: no cover -- a settings class with a type that no rule reads

    return msgspec.convert(raw, kind, strict=False, dec_hook=hook)


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """Read `cls` from `environ`. An empty variable counts as unset. Raises `SettingsError` with every problem at once."""
    problems = [f"{name}: must be set" for name in cls.REQUIRED if not environ.get(name)]
    values: dict[str, Any] = {}
    hints = get_type_hints(cls, include_extras=True)
    for field in msgspec.structs.fields(cls):
        name = field.name.upper()
        raw = environ.get(name, "")
        if name == "API_PORT" and environ.get("PORT"):
            name, raw = "PORT", environ["PORT"]
        if raw == "":
            continue
        try:
            values[field.name] = _convert(raw, hints[field.name])
        except msgspec.ValidationError as error:
            problems.append(f"{name}: {error}")
    if not problems:
        settings = cls(**values)
        problems = list(settings.problems())
        if not problems:
            return settings
    raise SettingsError(problems)


def as_logged(settings: Settings) -> dict[str, object]:
    """Name → value of every setting, secrets masked."""
    return {
        field.name.upper(): repr(value) if isinstance(value := getattr(settings, field.name), Secret) else value
        for field in msgspec.structs.fields(settings)
    }
