"""Writes docs/settings.md from the settings classes: `make docs`. A test compares; nobody edits the table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import inspect

from common.pipeline_settings import PushedSettings
from common.server_settings import ServerSettings
from common.settings import Secret, Settings
from ingest_service.settings import IngestSettings
from segmenter_service.settings import SegmenterSettings
from transcribe_service.settings import TranscribeSettings
from whisper_service.settings import WhisperSettings

PAGE: Final = Path(__file__).with_name("settings.md")

INTRODUCTION: Final = """\
# Settings

Generated from the settings classes by `make docs`; do not edit.

Every setting is an environment variable, read once when a process starts. An empty variable counts as unset. A value that
is not valid stops the process with exit status 78 and one line for each variable that is wrong. Secrets are masked in the
settings that a process logs.

The local runner (`python -m local_runner`, and with it `make demo`) reads the settings of all services from one environment
and fills in what is unset: a token that it keeps in DATA_DIR, a push token for each start, a Whisper service of its own. The stack (`python -m local_cloud`, and with it `make stack`) does the
same, and besides sets all that says where Google Cloud and Redis are: they are on this machine.
"""

SECTIONS: Final[tuple[tuple[str, type[Settings]], ...]] = (
    ("Every service", Settings),
    ("ingest_service, segmenter_service and transcribe_service", PushedSettings),
    ("ingest_service", IngestSettings),
    ("segmenter_service", SegmenterSettings),
    ("transcribe_service", TranscribeSettings),
    ("whisper_service", WhisperSettings),
    ("gunicorn around ingest, segmenter and transcribe", ServerSettings),
)
SHARED: Final = (Settings, PushedSettings)
"""Sections of which others are a part."""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, cls in SECTIONS:
        rows = "".join(_rows(cls))
        parts.append(
            f"## {title}\n\n{_required(cls)}| variable | default | allowed | meaning |\n|---|---|---|---|\n{rows}"
        )
    return "\n".join(parts)


def _required(cls: type[Settings]) -> str:
    if cls in SHARED or not cls.REQUIRED:
        return ""
    return f"Must be set: {', '.join(f'`{name}`' for name in cls.REQUIRED)}.\n\n"


def _rows(cls: type[Settings]) -> Iterator[str]:
    """One table row for each setting that `cls` adds or gives another default."""
    base = next((each for each in cls.__mro__[1:] if each in SHARED), None)
    inherited = {field.name: field for field in msgspec.structs.fields(base)} if base else {}
    struct = inspect.type_info(cls)
    if not isinstance(struct, inspect.StructType):  # pragma: no cover -- settings classes are structs
        raise TypeError(cls)
    for field in struct.fields:
        if field.name in inherited and inherited[field.name].default == field.default:
            continue
        description = field.type.extra_json_schema or {} if isinstance(field.type, inspect.Metadata) else {}
        kind = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
        meaning = _cell(description["description"])
        yield f"| `{field.name.upper()}` | {_default(field.default)} | {_allowed(kind)} | {meaning} |\n"


def _default(value: object) -> str:
    if isinstance(value, Secret) or value == "":
        return ""
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _allowed(kind: inspect.Type) -> str:
    match kind:
        case inspect.IntType() | inspect.FloatType():
            if kind.ge is not None and kind.le is not None:
                return f"{kind.ge:g} to {kind.le:g}" if kind.le < 1e6 else f"{kind.ge} to {kind.le}"
            if kind.gt is not None:
                return f"above {kind.gt:g}"
            return f"{kind.ge:g} or more" if kind.ge is not None else "number"
        case inspect.CustomType():
            return "secret"
        case _:
            return "text"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
