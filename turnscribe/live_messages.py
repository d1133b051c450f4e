"""The messages of `/v1/stream` as its client sends and reads them. Pure. The protocol stands in docs/websocket.md."""

from collections.abc import Mapping
from typing import Final

import msgspec

from turnscribe.errors import UnexpectedAnswer

MAX_MISSING: Final = 1_000
"""So many holes does a server name."""


class Ready(msgspec.Struct, frozen=True, tag_field="type", tag="ready"):
    """What is durable of the connection."""

    next_seq: int
    missing: tuple[int, ...]
    free_seq: int

    def is_durable(self, seq: int) -> bool:
        """Whether chunk `seq` is known to be durable."""
        if len(self.missing) >= MAX_MISSING and seq > self.missing[-1]:
            return False  # there may be more holes than are named
        return seq < self.free_seq and seq not in self.missing


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="ack"):
    """Chunk `seq` is durable."""

    seq: int


class Observed(msgspec.Struct, frozen=True, tag_field="type", tag="observed"):
    """The observation is durable."""

    observation_id: str


class Ended(msgspec.Struct, frozen=True, tag_field="type", tag="ended"):
    """The end is durable."""

    last_seq: int


class Refused(msgspec.Struct, frozen=True, tag_field="type", tag="problem"):
    """The message that was to be answered next changed nothing."""

    problem: Mapping[str, object]

    @property
    def status(self) -> int:
        """As an HTTP status; 500 where the server does not say."""
        status = self.problem.get("status")
        return status if isinstance(status, int) else 500


ServerMessage = Ready | Ack | Observed | Ended | Refused


def server_message(text: str | bytes) -> ServerMessage:
    """What the server says. Raises `UnexpectedAnswer`."""
    try:
        message: ServerMessage = msgspec.json.decode(text, type=Ready | Ack | Observed | Ended | Refused)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnexpectedAnswer(f"the server sends what is no message of /v1/stream: {error}") from error
    return message


def chunk_message(seq: int, captured_at_ms: int) -> str:
    """Announces the bytes that follow."""
    return msgspec.json.encode({"type": "chunk", "seq": seq, "captured_at_ms": captured_at_ms}).decode()


def speakers_message(observation: bytes) -> str:
    """An observation, given as the JSON object that `POST …/speakers` takes."""
    return '{"type":"speakers",' + observation.decode()[1:]


def end_message(last_seq: int, observations: int) -> str:
    """The stream is complete."""
    return msgspec.json.encode({"type": "end", "last_seq": last_seq, "observations": observations}).decode()
