"""What services push to each other, and what lies in the bucket: read, or refused as `Permanent`; what is read can be kept."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from common.errors import Permanent
from common.events import (
    EVENT_TYPES,
    ChunkStored,
    Message,
    SpeakersObserved,
    StreamEnded,
    StreamOptions,
    from_message,
)
from common.json_input import UNREADABLE_JSON, decoded_json, refuse_deep_json
from common.ports.blob_store import BlobInfo
from common.push import Pushed, first_published_ms, parse_push
from common.stored_chunks import (
    StreamDescription,
    chunk_metadata,
    claimed_at_ms,
    describe_stream,
    event_content,
    event_of_chunk,
    event_of_content,
    stream_description,
)
from segmenter_service.mail import Item, field_and_value, read_mail
from segmenter_service.recovery import GapRecord
from segmenter_service.state import decode_state
from tests.fuzz.target import Target

EVENT: Final = (
    b'{"tenant":"default","meeting_id":"m","connection_id":"c","seq":3,"object_name":"o","size_bytes":9,"captured_at_ms":1700000000000,'
    b'"options":{"content_type":"audio/webm"},"observation_id":"a","clock":"epoch","covered_from_ms":1,"covered_to_ms":2,"activities":'
    b'[["Ada",1,2]],"last_seq":3,"observations":1,"generation":1,"segment_id":"c:0:0","channel":0,"revision":1,"final":true,"start_ms":0,'
    b'"end_ms":9,"padding_ms":200,"epoch_offset_ms":1,"turns":[["Ada",1,2]],"labels":1,"receiver":"r","subject":"s","rank":1,"attempt":1,'
    b'"message_type":"t","message_id":"i","happened_at_ms":1}'
)
CHUNK: Final = ChunkStored(
    tenant="default",
    meeting_id="meeting",
    connection_id="call",
    seq=1,
    object_name="raw/default/call/chunks/00000001",
    size_bytes=9,
    captured_at_ms=1_700_000_000_000,
    options=StreamOptions(),
)
JSON_TOKENS: Final = (
    b"18446744073709551616",
    b"-9223372036854775809",
    b"1e308",
    b'"\\ud800"',
    b"\xff",
    b"[" * 70,
    b"null",
    b"NaN",
)


def _push_seeds() -> list[bytes]:
    wrapped = b'{"message":{"data":"e30=","attributes":{"ce-type":"t"},"messageId":"1","publishTime":"2024-01-01T00:00:00Z"},"deliveryAttempt":2}'
    headers = b"x-goog-pubsub-message-id: 1\nx-goog-pubsub-delivery-attempt: 3\nce-type: t\nx-goog-pubsub-publish-time: 2024-01-01T00:00:00Z\n\n{}"
    return [b"\n\n" + wrapped, headers]


def _headers_and_body(data: bytes) -> tuple[dict[str, str], bytes]:
    """Header lines as a server decodes them, an empty line, a body."""
    head, _, body = data.partition(b"\n\n")
    lines = (line.partition(":") for line in head.decode("latin-1").split("\n") if ":" in line)
    return {name.strip(): value.strip() for name, _, value in lines}, body


def _push(data: bytes) -> None:
    headers, body = _headers_and_body(data)
    with suppress(Permanent):
        pushed = parse_push(headers, body, frozenset({"seq"}))
        assert isinstance(pushed, Pushed)
        assert len(pushed.message.data) <= len(body)
        times = (pushed.published_ms, first_published_ms(pushed))
        assert all(time is None or abs(time) < 1 << 53 for time in times)
        assert pushed.delivery_attempt == int(pushed.delivery_attempt)


def _event(data: bytes) -> None:
    names = sorted(EVENT_TYPES)
    attributes = {"ce-specversion": "1.0", "ce-type": names[data[0] % len(names)] if data else "x"}
    with suppress(Permanent):
        event = from_message(Message(data[1:], attributes))
        again = from_message(Message(msgspec.json.encode(event), attributes))
        assert again == event
        assert len(event.event_id) == 32
        if isinstance(event, Item):
            _keep(event)


def _keep(event: Item) -> None:
    """An event that was taken can be put into a mailbox, and found there."""
    field, value = field_and_value(event, 1_700_000_000_000)
    mail = read_mail({field: value})
    match event:
        case ChunkStored():
            assert mail.chunks[event.seq].captured_at_ms == event.captured_at_ms
        case SpeakersObserved():
            assert mail.observations == [event]
        case StreamEnded():
            assert mail.end == event
        case _:
            assert mail.asks_registry


def _chunk_object(data: bytes) -> None:
    """Its metadata, a line each: meeting, time, options."""
    meeting_id, captured_at_ms, options = [*data.decode("utf-8", "replace").split("\n", 2), "", ""][:3]
    metadata = {"meeting_id": meeting_id, "captured_at_ms": captured_at_ms, "options": options}
    event = event_of_chunk("default", "call", BlobInfo(CHUNK.object_name, CHUNK.size_bytes, metadata))
    _keep(event)
    assert (
        event_of_chunk("default", "call", BlobInfo(event.object_name, 9, chunk_metadata(event))).options
        == event.options
    )


def _claim(data: bytes) -> None:
    metadata = {"claimed_at_ms": data.decode("utf-8", "replace")}
    assert isinstance(claimed_at_ms(BlobInfo("unregistered/call", 0, metadata)), int)


def _description(data: bytes) -> None:
    assert stream_description(describe_stream(stream_description(data))) == stream_description(data)


def _observed(data: bytes) -> None:
    _keep(event_of_content(data, SpeakersObserved))


def _ended(data: bytes) -> None:
    event = event_of_content(data, StreamEnded)
    assert event_of_content(event_content(event), StreamEnded) == event


STORED: Final[Sequence[Callable[[bytes], None]]] = (_chunk_object, _claim, _description, _observed, _ended)


def _stored(data: bytes) -> None:
    """The first byte says what it is read as."""
    if data:
        with suppress(Permanent):
            STORED[data[0] % len(STORED)](data[1:])


def _stored_seeds() -> list[bytes]:
    options = StreamOptions(content_type="audio/webm", channels="separate", channel_speakers=("Ada", "Ben"))
    chunk = chunk_metadata(msgspec.structs.replace(CHUNK, options=options))
    event = msgspec.json.decode(EVENT)
    contents = (
        "\n".join([chunk["meeting_id"], chunk["captured_at_ms"], chunk["options"]]).encode(),
        b"1700000000000",
        describe_stream(StreamDescription("meeting", options, 1_700_000_000_000)),
        event_content(msgspec.convert(event, SpeakersObserved)),
        event_content(msgspec.convert(event, StreamEnded)),
    )
    return [bytes([kind]) + content for kind, content in enumerate(contents)]


def _state(data: bytes) -> None:
    decode_state(data)  # None where it is none
    with suppress(msgspec.DecodeError):
        msgspec.msgpack.decode(data, type=GapRecord)


def _json(data: bytes) -> None:
    too_deep = False
    try:
        refuse_deep_json(data)
    except Permanent:
        too_deep = True
    with suppress(Permanent, *UNREADABLE_JSON):
        found = decoded_json(data, object)
        assert not too_deep
        assert _depth(found) <= 64
    if too_deep:
        with suppress(*UNREADABLE_JSON):
            assert _depth(msgspec.json.decode(data)) > 64


def _depth(value: object) -> int:
    match value:
        case list():
            return 1 + max(map(_depth, value), default=0)
        case dict():
            return 1 + max(map(_depth, value.values()), default=0)
        case _:
            return 0


def _event_seeds() -> list[bytes]:
    return [bytes([kind]) + EVENT for kind in range(len(EVENT_TYPES))]


TARGETS: Final = (
    Target("push envelope", _push, _push_seeds, tokens=(b"x-goog-pubsub-", b"9" * 30, *JSON_TOKENS)),
    Target("events", _event, _event_seeds, tokens=JSON_TOKENS),
    Target("stored json", _stored, _stored_seeds, tokens=JSON_TOKENS),
    Target("stored state", _state, lambda: [b"\x83\xa7version\x01\xaameeting_id\xa1m\xacopened_at_ms\x01"]),
    Target("json depth", _json, lambda: [b'{"a":["[[",{"b":"\\"]"}]}', b"[" * 66 + b"]" * 66], tokens=JSON_TOKENS),
)
