"""The parameters that uploaders may send, declared once: their names are what routes know, and their kinds what is documented.

`requests` reads them, and is stricter where a JSON schema can't say it.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta

from common.ids import MAX_ID_LENGTH
from common.object_names import MAX_SEQ
from common.openapi.described import IdText, Parameter, named
from common.speaker_masks import MAX_NAME_LENGTH
from ingest_service.intake.requests import (
    EARLIEST_EPOCH_MS,
    LATEST_EPOCH_MS,
    MAX_CHANNEL_SPEAKERS_BYTES,
    MAX_CONTENT_TYPE_LENGTH,
)

_IdOrNothing = Annotated[str, Meta(max_length=MAX_ID_LENGTH, pattern="^((?!__.*__$)[A-Za-z0-9_-][A-Za-z0-9._-]*)?$")]
EpochMs = Annotated[int, Meta(ge=EARLIEST_EPOCH_MS, le=LATEST_EPOCH_MS)]

TOKEN: Final = Parameter("token", str, "The bearer token, for what can't set headers.")
CONNECTION_IN_PATH: Final = Parameter(
    "connection_id", IdText, "The uploader's own id of this connection.", where="path"
)
SEQ: Final = Parameter(
    "seq", Annotated[int, Meta(ge=0, le=MAX_SEQ)], "The chunk's number: 0, 1, 2 … in order of time.", where="path"
)
MEETING: Final = Parameter("meeting_id", IdText, "The meeting that the connection belongs to.", required=True)
SOURCE: Final = Parameter("source", _IdOrNothing, "Where the meeting takes place, such as google_meet, zoom or phone.")
LANGUAGE: Final = Parameter(
    "language",
    Annotated[str, Meta(max_length=35, pattern="^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$")],
    "What is spoken, such as en or pt-BR. Without it, it is detected.",
)
CHANNELS: Final = Parameter(
    "channels",
    Literal["mix", "separate"],
    "separate: every audio channel is a speaker of its own. mix, where not given.",
)
CHANNEL_SPEAKERS: Final = Parameter(
    "channel_speakers",
    Annotated[str, Meta(max_length=MAX_CHANNEL_SPEAKERS_BYTES)],
    "Names of the channels' speakers in order, separated by commas. Needs channels=separate.",
)
CONNECTIONS: Final = Parameter(
    "connections",
    Literal["shared", "per_participant"],
    "What the meeting's connections are to one another. shared, where not given: each hears all of it, and of what several hear one is "
    "transcribed. per_participant: each is one person's own audio, and all are.",
)
PARTICIPANT: Final = Parameter(
    "participant",
    Annotated[str, Meta(max_length=MAX_NAME_LENGTH)],
    "Who is at this connection. With connections=per_participant, the speaker of all words for which nothing else names one.",
)
STARTED_AT: Final = Parameter(
    "started_at_ms",
    EpochMs,
    "When the first sample was recorded, in milliseconds since the epoch, where that is known.",
)
CAPTURED_AT: Final = Parameter(
    "captured_at_ms",
    EpochMs,
    "When the chunk ended on the uploader's clock, in milliseconds since the epoch. Without it, the time of its arrival counts.",
)
CONTENT_TYPE: Final = Parameter(
    "content_type",
    Annotated[str, Meta(max_length=MAX_CONTENT_TYPE_LENGTH)],
    "Media type of the audio. It matters only for samples without a header, as in audio/pcm;rate=16000;channels=1.",
)
CONNECTION_IN_QUERY: Final = Parameter(
    "connection_id", IdText, "The uploader's own id of this connection.", required=True
)

_COMMON: Final = named(MEETING, TOKEN)
_OPTIONS: Final = named(SOURCE, LANGUAGE, CHANNELS, CHANNEL_SPEAKERS, CONNECTIONS, PARTICIPANT, STARTED_AT)
CHUNK_PARAMETERS: Final = _COMMON | _OPTIONS | named(CAPTURED_AT)
EVENT_PARAMETERS: Final = _COMMON
SOCKET_PARAMETERS: Final = _COMMON | _OPTIONS | named(CONNECTION_IN_QUERY, CONTENT_TYPE)
RECORDING_PARAMETERS: Final = _OPTIONS | named(
    Parameter(
        "connection_id", IdText, "Names the recording. Without it, the Idempotency-Key does, or it gets a random name."
    ),
    Parameter(
        "meeting_id", IdText, "The meeting that it belongs to. Without it, the meeting is called like the recording."
    ),
    TOKEN,
)
STATUS_PARAMETERS: Final = named(TOKEN)
