"""What uploaders say in paths, queries and the end of a stream, as checked structs. Pure; speaker activity is in `observations`.

Everything that is wrong is a 400 `Problem` that names the parameter. A parameter that no route knows is refused as well:
a misspelt `captured_at_ms` would otherwise cost the right speakers, silently.
"""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Final, Literal, cast

import msgspec
from msgspec import Meta
from werkzeug.datastructures import MultiDict

from common.errors import Permanent
from common.events import StreamOptions
from common.ids import checked_id
from common.json_input import UNREADABLE_JSON, decoded_json
from common.object_names import MAX_SEQ
from common.problems import Problem
from common.speaker_masks import checked_speaker

EARLIEST_EPOCH_MS: Final = 10**11
"""1973. What is smaller counts seconds."""
LATEST_EPOCH_MS: Final = 10**14 - 1
"""The year 5138. What is larger counts microseconds. A clock that is merely wrong is no reason to refuse audio."""
MAX_CHANNELS: Final = 16
MAX_CHANNEL_SPEAKERS_BYTES: Final = 2_000
"""The names lie in the metadata of every chunk, of which Cloud Storage takes 8 KiB in all."""
MAX_CONTENT_TYPE_LENGTH: Final = 200
OPTION_NAMES: Final = (
    "source",
    "language",
    "channels",
    "channel_speakers",
    "connections",
    "participant",
    "started_at_ms",
)
"""What can be said of a connection, as queries, messages and uploads have it; `stream_options` reads it."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


class Stream(msgspec.Struct, frozen=True):
    """The connection that a request is about, and whose it is."""

    tenant: str
    connection_id: str
    meeting_id: str


class ChunkUpload(msgspec.Struct, frozen=True):
    """One chunk as it was sent, but for its bytes."""

    stream: Stream
    seq: int
    captured_at_ms: int
    options: StreamOptions


ObservationCount = Annotated[int, Meta(ge=0, le=1 << 53)]
"""What JSON's readers everywhere keep exactly, as in events."""


class EndOfStream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/end`."""

    last_seq: Annotated[int, Meta(ge=-1, le=MAX_SEQ)]
    observations: ObservationCount | None = None


def invalid(field: str, problem: str) -> Problem:
    """400: `field` is what the uploader calls it."""
    return Problem(400, "invalid-parameter", f"{field} {problem}", field=field)


def invalid_body(detail: str) -> Problem:
    """400: the JSON body breaks a rule."""
    return Problem(400, "invalid-body", detail)


def parameters(args: MultiDict[str, str], known: Collection[str]) -> dict[str, str]:
    """The query as a dict, each parameter known and given once."""
    for name, values in args.lists():
        if name not in known:
            raise invalid(name[:80], f"is no parameter of this route; it knows {', '.join(sorted(known))}")
        if len(values) > 1:
            raise invalid(name, "is given more than once")
    return args.to_dict()


def stream(tenant: str, connection_id: str, query: Mapping[str, str]) -> Stream:
    """The connection in the path and the meeting in the query."""
    checked_id(connection_id, "connection_id")
    if "meeting_id" not in query:
        raise invalid("meeting_id", "is missing")
    return Stream(tenant, connection_id, checked_id(query["meeting_id"], "meeting_id"))


def chunk_upload(
    of: Stream, seq: str, query: Mapping[str, str], content_type: str, now_ms: int, user_id: str = ""
) -> ChunkUpload:
    """A chunk's upload; `now_ms` stands in where the uploader does not say when the chunk was captured."""
    captured_at_ms = now_ms
    if "captured_at_ms" in query:
        captured_at_ms = checked_epoch_ms(_whole(query["captured_at_ms"], "captured_at_ms"), "captured_at_ms")
    return ChunkUpload(of, checked_seq(seq), captured_at_ms, stream_options(query, content_type, user_id))


def checked_seq(value: str) -> int:
    """`value` as a chunk's number."""
    seq = _whole(value, "seq")
    if seq > MAX_SEQ:
        raise invalid("seq", f"is too large; the last possible one is {MAX_SEQ}")
    return seq


def checked_epoch_ms(value: int, field: str) -> int:
    """`value` if it can be milliseconds since the epoch, and not another unit."""
    if value < EARLIEST_EPOCH_MS:
        raise invalid(field, "must be in milliseconds since the epoch; this value is too small and may be in seconds")
    if value > LATEST_EPOCH_MS:
        raise invalid(field, "must be in milliseconds since the epoch; this value is too large")
    return value


def stream_options(query: Mapping[str, str], content_type: str, user_id: str = "") -> StreamOptions:
    """What a chunk's request says about its connection; `user_id` is whose token it came with."""
    if len(content_type) > MAX_CONTENT_TYPE_LENGTH:
        raise invalid("Content-Type", f"has more than {MAX_CONTENT_TYPE_LENGTH} characters")
    language = query.get("language", "")
    if language and not (len(language) <= 35 and _LANGUAGE.fullmatch(language)):
        raise invalid("language", "is no language code, such as en or pt-BR")
    channels = query.get("channels", "mix")
    if channels not in {"mix", "separate"}:
        raise invalid("channels", "must be mix or separate")
    connections = query.get("connections", "shared")
    if connections not in {"shared", "per_participant"}:
        raise invalid("connections", "must be shared or per_participant")
    source = query.get("source", "")
    started_at_ms = None
    if "started_at_ms" in query:
        started_at_ms = checked_epoch_ms(_whole(query["started_at_ms"], "started_at_ms"), "started_at_ms")
    return StreamOptions(
        content_type=content_type or StreamOptions().content_type,
        source=checked_id(source, "source") if source else "",
        language=language,
        channels=cast("Literal['mix', 'separate']", channels),
        channel_speakers=_channel_speakers(query.get("channel_speakers", ""), channels),
        connections=cast("Literal['shared', 'per_participant']", connections),
        participant=_participant(query.get("participant", "")),
        started_at_ms=started_at_ms,
        user_id=user_id,
    )


def end_of_stream(body: bytes) -> EndOfStream:
    """The uploader's account of a stream."""
    try:
        return decoded_json(body, EndOfStream)
    except UNREADABLE_JSON as error:
        raise invalid_body(str(error)) from error


def _participant(value: str) -> str:
    if not value:
        return ""
    try:
        return checked_speaker(value, "the name")
    except Permanent as error:
        raise invalid("participant", f"is wrong: {error}") from error


def _channel_speakers(value: str, channels: str) -> tuple[str, ...]:
    if not value:
        return ()
    if channels != "separate":
        raise invalid("channel_speakers", "needs channels=separate")
    if len(value.encode()) > MAX_CHANNEL_SPEAKERS_BYTES:
        raise invalid("channel_speakers", f"has more than {MAX_CHANNEL_SPEAKERS_BYTES} bytes")
    names = value.split(",")
    if len(names) > MAX_CHANNELS:
        raise invalid("channel_speakers", f"names {len(names)} speakers; at most {MAX_CHANNELS} are allowed")
    try:
        return tuple(checked_speaker(name, f"name {index}") for index, name in enumerate(names))
    except Permanent as error:
        raise invalid("channel_speakers", f"is wrong: {error}") from error


def _whole(value: str, field: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise invalid(field, "must be a whole number, 0 or more")
    if len(value) > 20:
        raise invalid(field, "has too many digits")
    return int(value)
