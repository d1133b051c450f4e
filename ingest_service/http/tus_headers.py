"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload), read and checked. Pure."""

import base64
from typing import Annotated, Final, Literal

from msgspec import Meta
from werkzeug.datastructures import Headers

from common.openapi.described import Header, Parameter
from common.problems import Problem
from ingest_service.intake.requests import OPTION_NAMES, invalid

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload"
PART_TYPE: Final = "application/offset+octet-stream"
_LENGTH: Final = Annotated[int, Meta(ge=0)]
TUS_RESUMABLE: Final = Parameter(
    "Tus-Resumable", Literal["1.0.0"], "The version of tus that the client speaks.", required=True, where="header"
)
UPLOAD_LENGTH: Final = Parameter(
    "Upload-Length", _LENGTH, "Bytes of the whole recording.", required=True, where="header"
)
UPLOAD_OFFSET: Final = Parameter(
    "Upload-Offset",
    _LENGTH,
    "Where these bytes belong: what the server has, as it said last.",
    required=True,
    where="header",
)
UPLOAD_METADATA: Final = Parameter(
    "Upload-Metadata",
    str,
    "Pairs of a key and a value in base64, separated by commas. meeting_id, connection_id, language, source, channels, channel_speakers, "
    "connections, participant and started_at_ms mean what they mean at /v1/recordings; filetype is its Content-Type.",
    where="header",
)
OFFSET: Final = Header(_LENGTH, "Bytes that are durable, from the beginning on.", required=True)
SPOKEN: Final = Header(str, "The version of tus that the server speaks.", required=True)
SAID: Final = frozenset({"meeting_id", "connection_id", *OPTION_NAMES})
"""Keys of Upload-Metadata that mean what the parameters of `POST /v1/recordings` mean; `filetype` is its Content-Type."""
_KNOWN: Final = SAID | {"filename", "filetype", "name", "type", "relativePath"}
"""The last three are sent by common clients without being asked. They have no effect."""
_MAX_DIGITS: Final = 18


def refuse_other_versions(headers: Headers) -> None:
    """Raise a 412 `Problem` unless the client speaks this version."""
    if headers.get("Tus-Resumable") != VERSION:
        detail = f"The header Tus-Resumable must be {VERSION}; this server speaks no other version of tus."
        raise Problem(412, "unsupported-tus-version", detail, headers={"Tus-Version": VERSION})


def refuse_other_types(content_type: str) -> None:
    """Raise a 415 `Problem` unless the body is declared as a part of an upload."""
    if content_type.partition(";")[0].strip().lower() != PART_TYPE:
        raise Problem(415, "not-a-part-of-an-upload", f"The Content-Type of bytes of an upload must be {PART_TYPE}.")


def upload_length(headers: Headers, limit_bytes: int) -> int:
    """Upload-Length. Raises a `Problem`: 400, or 413 above `limit_bytes`."""
    if "Upload-Defer-Length" in headers:
        raise invalid("Upload-Defer-Length", "is not supported; the length must be known when an upload begins")
    length_bytes = _whole(headers, "Upload-Length")
    if length_bytes > limit_bytes:
        detail = f"The upload is larger than the {limit_bytes} bytes that are allowed here."
        raise Problem(413, "upload-too-large", detail, limit_bytes=limit_bytes)
    return length_bytes


def upload_offset(headers: Headers) -> int:
    """Upload-Offset. Raises a 400 `Problem`."""
    return _whole(headers, "Upload-Offset")


def upload_metadata(header: str) -> dict[str, str]:
    """The pairs of Upload-Metadata: keys, and values in base64 of UTF-8. Raises a 400 `Problem` that names the key."""
    said: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        if key not in _KNOWN:
            raise invalid("Upload-Metadata", f"has the unknown key {key[:80]}; known are {', '.join(sorted(_KNOWN))}")
        if key in said:
            raise invalid("Upload-Metadata", f"has the key {key} more than once")
        try:
            said[key] = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:  # no base64, not even ASCII, or not of UTF-8
            raise invalid("Upload-Metadata", f"has no base64 of UTF-8 for the key {key}") from error
    return said


def _whole(headers: Headers, name: str) -> int:
    value = headers.get(name)
    if value is None:
        raise invalid(name, "is missing")
    if not (value.isascii() and value.isdecimal() and len(value) <= _MAX_DIGITS):
        raise invalid(name, "must be a whole number of bytes, 0 or more")
    return int(value)
