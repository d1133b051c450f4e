"""Which connection a recording becomes, so that sending it again is the same recording; and what is answered where it is not.

`Idempotency-Key` is that of the IETF's draft "The Idempotency-Key HTTP Header Field". No store of keys is needed: a key names a
connection, whose objects remember what was sent under it.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from flask import Request
from msgspec import Meta

from common.ids import checked_id
from common.openapi.described import Parameter
from common.problems import Problem
from ingest_service.intake.recordings import RecordingDiffers
from ingest_service.intake.requests import invalid

HEADER: Final = "Idempotency-Key"
MAX_KEY_LENGTH: Final = 255
IDEMPOTENCY_KEY: Final = Parameter(
    HEADER,
    Annotated[str, Meta(min_length=1, max_length=MAX_KEY_LENGTH, pattern="^[!-~]+$")],
    "The same key with the same content is the same recording, however often it is sent.",
    where="header",
)
_OF_ANOTHER: Final = frozenset({"connection-of-another-meeting", "stream-ended-otherwise"})
"""Problems of a connection that a retry cannot have."""


@dataclass(frozen=True, slots=True)
class RecordingName:
    """The connection of a recording."""

    connection_id: str
    is_from_key: bool
    """Whether the uploader knows it by its key alone."""

    @contextmanager
    def one_recording(self) -> Iterator[None]:
        """Answer where the connection turns out to be another recording's: 422 where a key was used twice, else 409."""
        try:
            yield
        except RecordingDiffers as error:
            raise self._used_before(str(error)) from error
        except Problem as problem:
            if not (self.is_from_key and problem.kind in _OF_ANOTHER):
                raise
            raise self._used_before(problem.detail) from problem

    def _used_before(self, what: str) -> Problem:
        if self.is_from_key:
            detail = f"This {HEADER} was sent with another recording: {what}. Nothing was changed."
            return Problem(422, "idempotency-key-reused", detail)
        detail = f"This connection_id belongs to another recording: {what}. Nothing was changed."
        return Problem(409, "recording-differs", detail, connection_id=self.connection_id)


def recording_name(kind: str, tenant: str, key: str | None, connection_id: str | None) -> RecordingName:
    """The connection that the uploader named, else the one that its key stands for, else a new one.

    `kind` keeps the keys of different routes apart. Raises `InvalidId`.
    """
    if connection_id is not None:
        return RecordingName(checked_id(connection_id, "connection_id"), is_from_key=False)
    if key is not None:
        digest = hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()
        return RecordingName(f"{kind}-{digest[:32]}", is_from_key=True)
    return RecordingName(f"{kind}-{secrets.token_hex(16)}", is_from_key=False)


def idempotency_key(req: Request) -> str | None:
    """The request's key, as it is, quotation marks included; None where it has none. Raises a 400 `Problem`."""
    key = req.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise invalid(HEADER, f"has {len(key)} characters; 1 to {MAX_KEY_LENGTH} are allowed")
    if not all("!" <= character <= "~" for character in key):
        raise invalid(HEADER, "may only have visible characters of ASCII, and no space")
    return key
