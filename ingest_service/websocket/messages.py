"""The text messages of `/v1/stream`, both ways, as structs. Bytes of chunks travel in binary messages. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from common.json_input import UNREADABLE_JSON
from common.object_names import MAX_SEQ
from common.problems import Problem
from ingest_service.intake.requests import ObservationCount

UNSUPPORTED: Final = 1003
INVALID: Final = 1007
"""Close codes of RFC 6455, 7.4.1."""

_Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]


class ChunkAnnounced(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="chunk"):
    """Client: the next message is binary, and these are its seq and when it ended (epoch; its arrival where nothing is said)."""

    seq: _Seq
    captured_at_ms: int | None = None


class EndAnnounced(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="end"):
    """Client: the stream is complete. Without `last_seq` it ends with the highest seq that is durable."""

    last_seq: Annotated[int, Meta(ge=-1, le=MAX_SEQ)] | None = None
    observations: ObservationCount | None = None


class SpeakersObserved(msgspec.Struct, frozen=True):
    """Client: `{"type": "speakers", …}` with the members of `POST …/speakers`, which are all that is left in `body`."""

    body: bytes


ClientMessage = ChunkAnnounced | EndAnnounced | SpeakersObserved


class Ready(msgspec.Struct, frozen=True, tag_field="type", tag="ready"):
    """Server, first of all: what is durable of the connection."""

    connection_id: str
    meeting_id: str
    next_seq: int
    """The first seq that is not durable."""
    missing: tuple[int, ...]
    """What is missing below the highest durable seq, at most 1,000 of them."""
    free_seq: int
    """The first seq above all that are durable: where an uploader that kept nothing goes on."""
    recommended_chunk_ms: int


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="ack"):
    """Server: chunk `seq` is durable, and so is everything below `next_seq`."""

    seq: int
    next_seq: int


class Observed(msgspec.Struct, frozen=True, tag_field="type", tag="observed"):
    """Server: the observation is durable."""

    observation_id: str


class Ended(msgspec.Struct, frozen=True, tag_field="type", tag="ended"):
    """Server: the end is durable. The connection is closed with 1000."""

    connection_id: str
    last_seq: int
    observations: int | None


class Refused(msgspec.Struct, frozen=True, tag_field="type", tag="problem"):
    """Server: the message that came last changed nothing, and why."""

    problem: Mapping[str, Any]
    """Problem details (RFC 9457), whose `type` is why they are a member of their own."""
    seq: int | UnsetType = UNSET
    """The chunk, where it was one."""


ServerMessage = Ready | Ack | Observed | Ended | Refused
MESSAGES: Final = (ChunkAnnounced, EndAnnounced, Ready, Ack, Observed, Ended, Refused)
"""Those that are JSON through and through. An observation of speakers is what `POST …/speakers` takes, with `type: speakers`."""


class Unreadable(Exception):
    """A text message that is none of the protocol's. `close_code` says why."""

    def __init__(self, close_code: int, detail: str) -> None:
        super().__init__(detail)
        self.close_code = close_code
        self.problem = Problem(400, "invalid-message", detail)


def client_message(text: bytes) -> ClientMessage:
    """What a client says. Raises `Unreadable`."""
    try:
        members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(members.pop("type", b"null"), type=str | None)
        if kind == "speakers":
            return SpeakersObserved(msgspec.json.encode(members))
        if kind in {"chunk", "end"}:
            return msgspec.json.decode(text, type=ChunkAnnounced | EndAnnounced)
    except UNREADABLE_JSON as error:
        raise Unreadable(INVALID, f"The message can't be read: {error}") from error
    if kind is None:
        raise Unreadable(INVALID, "The message has no type; it must be chunk, speakers or end.")
    raise Unreadable(UNSUPPORTED, "The message's type must be chunk, speakers or end.")
