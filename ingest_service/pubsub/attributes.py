"""What messages and dropped objects say about audio, by name: in attributes, CloudEvents' extensions, JSON members or object metadata. Pure.

All spell the same names in their own way: Pub/Sub as one likes, HTTP headers without regard to case and without underscores, CloudEvents
in lower-case letters and digits alone. So names are compared without case, `_` and `-`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from common.errors import Permanent
from common.events import StreamOptions
from common.problems import Problem
from ingest_service.intake.requests import OPTION_NAMES, checked_epoch_ms, stream_options
from ingest_service.pubsub.refusals import refused

OPTIONS: Final = ("content_type", *(name.removesuffix("_ms") for name in OPTION_NAMES))
"""Times may be written in several ways here, and their names don't say one."""
KNOWN: Final = (
    *("kind", "tenant", "connection_id", "meeting_id", "seq", "captured_at", "last", "uri", "generation"),
    *OPTIONS,
)
"""Whatever else a message carries is its publisher's business."""
_ALIASES: Final = {"capturedatms": "capturedat", "startedatms": "startedat", "meetingsource": "source"}
"""As the HTTP routes call them; and `source`, which in a CloudEvent is something else."""
Said = Mapping[str, str]
"""Values by the names in KNOWN."""


def plain(name: str) -> str:
    """A name without what different spellings of it differ in."""
    return name.lower().replace("_", "").replace("-", "")


_NAMES: Final = {plain(name): name for name in KNOWN} | {
    alias: next(name for name in KNOWN if plain(name) == of) for alias, of in _ALIASES.items()
}


HEADER_NAMES: Final = frozenset({"content-type", *KNOWN, *(name.replace("_", "-") for name in KNOWN)})
"""How an unwrapped push may write them. Servers drop headers with underscores, so that only the others arrive."""


def said_in(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What of `pairs` has a name in KNOWN, however it is spelled; empty values count as nothing. Raises `Permanent` for what is said twice."""
    said: dict[str, str] = {}
    for written, value in pairs:
        name = _NAMES.get(plain(written))
        if name is None or not value:
            continue
        if said.setdefault(name, value) != value:
            raise Permanent(f"{name} is given twice, and not the same", reason="invalid_attribute")
    return said


def options_of(said: Said) -> StreamOptions:
    """What is said about the connection. Raises `Permanent` naming what is wrong."""
    query = {name: value for name, value in said.items() if name in OPTIONS}
    if "started_at" in query:
        query["started_at_ms"] = str(epoch_ms(query["started_at"], "started_at"))
    try:
        return stream_options(query, said.get("content_type", ""))
    except Problem as problem:
        raise refused(problem) from problem


def epoch_ms(value: str, name: str) -> int:
    """A time in ISO 8601 with its offset from UTC, or in milliseconds since the epoch. Raises `Permanent`."""
    try:
        if value.isascii() and value.isdecimal() and len(value) < 20:
            return checked_epoch_ms(int(value), name)
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise Permanent(f"{name} does not say its offset from UTC", reason="invalid_attribute")
        return checked_epoch_ms(round(at.timestamp() * 1000), name)
    except Problem as problem:
        raise refused(problem) from problem
    except (ValueError, OverflowError) as error:
        raise Permanent(
            f"{name} must be a time in ISO 8601 or milliseconds since the epoch", reason="invalid_attribute"
        ) from error


def truth(value: str, name: str) -> bool:
    """`true` or `false`. Raises `Permanent`."""
    if value.lower() not in {"true", "false"}:
        raise Permanent(f"{name} must be true or false", reason="invalid_attribute")
    return value.lower() == "true"


def members_as_text(members: Mapping[str, object]) -> list[tuple[str, str]]:
    """The members of a JSON object as attributes have them: numbers in digits, lists of names with commas. Raises `Permanent`."""
    return [(name, _as_text(name, value)) for name, value in members.items() if plain(name) in _NAMES]


def _as_text(name: str, value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case None:
            return ""
        case list():
            names = msgspec.convert(value, list[str]) if all(isinstance(each, str) for each in value) else None
            if names is not None:
                return ",".join(names)
        case _:
            pass
    raise Permanent(f"{_NAMES[plain(name)]} must be a text or a number", reason="invalid_attribute")
