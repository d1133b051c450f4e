"""What lies in a mailbox: its fields and their encoding. `mailbox` moves them, `drain` reads them."""

from collections.abc import Iterable
from typing import Final

import msgspec

from common.events import ChunkStored, SpeakersObserved, StreamEnded, StreamErased, StreamOptions, StreamReplayed

_CHUNK: Final = b"c:"
_OBSERVATION: Final = b"o:"
_LARGE_OBSERVATION: Final = b"n:"
LARGE_BYTES: Final = 8 * 1024
"""What is larger is told of by its object's name: a mailbox may have to wait for its holder."""
_END: Final = b"end"
_REGISTRY: Final = b"registry"


class ChunkMail(msgspec.Struct, frozen=True, array_like=True):
    """A stored chunk; its bytes are in the bucket."""

    captured_at_ms: int
    options: StreamOptions
    accepted_ms: int | None = None
    """Epoch milliseconds at which ingest announced it; None where the bucket told of it and no event."""


class Mail(msgspec.Struct):
    """A mailbox's items by kind."""

    chunks: dict[int, ChunkMail]
    observations: list[SpeakersObserved]
    large_observations: list[str] = []
    """Names of their objects."""
    end: StreamEnded | None = None
    asks_registry: bool = False
    """The registry has something to say of the stream that its state may not know: that it was erased, or is to be cut anew."""


Item = ChunkStored | SpeakersObserved | StreamEnded | StreamErased | StreamReplayed


def field_and_value(event: Item, accepted_ms: int | None = None) -> tuple[bytes, bytes]:
    """How an event is deposited. The same event has the same field, so it lies there once. `accepted_ms` is when it was published."""
    match event:
        case ChunkStored():
            mail = ChunkMail(event.captured_at_ms, event.options, accepted_ms)
            return b"%s%d" % (_CHUNK, event.seq), msgspec.msgpack.encode(mail)
        case SpeakersObserved():
            encoded = msgspec.msgpack.encode(event)
            if len(encoded) > LARGE_BYTES:
                return _LARGE_OBSERVATION + event.observation_id.encode(), event.object_name.encode()
            return _OBSERVATION + event.observation_id.encode(), encoded
        case StreamEnded():
            return _END, msgspec.msgpack.encode(event)
        case StreamErased() | StreamReplayed():
            return _REGISTRY, b""


def drained(fields: Iterable[bytes], next_seq: int) -> list[bytes]:
    """The fields that a drain up to `next_seq` is done with: all but the chunks that it has not come to."""
    return [field for field in fields if not field.startswith(_CHUNK) or int(field[len(_CHUNK) :]) < next_seq]


def read_mail(fields: dict[bytes, bytes]) -> Mail:
    """The items of a mailbox, as `HGETALL` gives them."""
    mail = Mail(chunks={}, observations=[])
    for field, value in fields.items():
        if field.startswith(_CHUNK):
            mail.chunks[int(field[len(_CHUNK) :])] = msgspec.msgpack.decode(value, type=ChunkMail)
        elif field.startswith(_OBSERVATION):
            mail.observations.append(msgspec.msgpack.decode(value, type=SpeakersObserved))
        elif field.startswith(_LARGE_OBSERVATION):
            mail.large_observations.append(value.decode())
        elif field == _REGISTRY:
            mail.asks_registry = True
        else:
            mail.end = msgspec.msgpack.decode(value, type=StreamEnded)
    return mail
