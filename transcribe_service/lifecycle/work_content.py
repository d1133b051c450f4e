"""Ids and content of the work on meetings. Pure."""

import hashlib
from typing import Any, Final, TypeVar

import msgspec

from common.ports.work_store import Work

C = TypeVar("C", bound=msgspec.Struct)

DELETION: Final = "deletion"
AUDIO_DELETION: Final = "audio-deletion"
REPLAY: Final = "replay"
RETRANSCRIPTION: Final = "retranscription"
RETENTION: Final = "retention"
_DIGITS: Final = 32


def work_id(kind: str, meeting_id: str) -> str:
    """The id of one kind of work on a meeting: there is one at a time."""
    return f"{kind}-{hashlib.sha256(meeting_id.encode()).hexdigest()[:_DIGITS]}"


def new_work(tenant: str, kind: str, id_: str, content: msgspec.Struct, due_ms: int | None) -> Work:
    """Work with this content."""
    return Work(tenant=tenant, work_id=id_, kind=kind, due_ms=due_ms, content=_raw(content))


def content_of(work: Work, kind: type[C]) -> C:
    """The content of work of that kind."""
    return msgspec.json.decode(work.content, type=kind)


def with_content(work: Work, content: msgspec.Struct, due_ms: int | None) -> Work:
    """The work as it is to go on."""
    return msgspec.structs.replace(work, content=_raw(content), due_ms=due_ms)


def replaced(content: C, **changes: Any) -> C:
    """`content` with some fields changed."""
    return msgspec.structs.replace(content, **changes)


def _raw(content: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(content))
