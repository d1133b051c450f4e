import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Permanent
from common.events import EVENT_TYPES, ChunkStored, Event, Message, StreamEnded, from_message, to_message
from tests.common.example_events import EVENTS

ENDED = StreamEnded(tenant="t", meeting_id="m", connection_id="c", last_seq=3, object_name="o")


def message_of(event: Event) -> Message:
    return to_message(event, source="/turnscribe/test", now_ms=1_700_000_000_123, traceparent="00-ab-cd-01")


@given(EVENTS)
def test_every_event_comes_back(event: Event) -> None:
    assert from_message(message_of(event)) == event


@given(EVENTS)
def test_messages_are_cloudevents_within_the_limits_of_pubsub(event: Event) -> None:
    message = message_of(event)
    assert message.attributes["ce-specversion"] == "1.0"
    assert message.attributes["ce-type"] == event.TYPE
    assert message.attributes["ce-id"] == event.event_id
    assert message.attributes["ce-time"] == "2023-11-14T22:13:20.123Z"
    assert message.attributes["ce-subject"] == f"{event.tenant}/{event.meeting_id}/{event.connection_id}"
    assert message.attributes["ce-traceparent"] == "00-ab-cd-01"
    assert all(len(k.encode()) <= 256 and len(v.encode()) <= 1024 for k, v in message.attributes.items())


@given(EVENTS)
def test_the_id_is_stable_and_tells_connections_apart(event: Event) -> None:
    assert event.event_id == from_message(message_of(event)).event_id
    assert len(event.event_id) == 32
    assert msgspec.structs.replace(event, connection_id=event.connection_id + "x").event_id != event.event_id
    assert msgspec.structs.replace(event, tenant=event.tenant + "x").event_id != event.event_id


@given(EVENTS)
def test_a_field_of_a_later_release_is_no_error(event: Event) -> None:
    message = message_of(event)
    data = json.dumps({**json.loads(message.data), "added_later": [1]}).encode()
    assert from_message(Message(data, message.attributes)) == event


def test_types_are_versioned_and_each_has_its_class() -> None:
    assert all(name == cls.TYPE and name.endswith(".v1") for name, cls in EVENT_TYPES.items())
    assert len(EVENT_TYPES) == 10


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, "not_a_cloudevent"),
        ({"ce-specversion": "0.3"}, "not_a_cloudevent"),
        ({"ce-specversion": "1.0"}, "unknown_event_type"),
        ({"ce-specversion": "1.0", "ce-type": "turnscribe.stream.ended.v2"}, "unknown_event_type"),
        ({"ce-specversion": "1.0", "ce-type": "x" * 10_000}, "unknown_event_type"),
    ],
)
def test_what_is_none_of_our_events_is_permanent(attributes: dict[str, str], reason: str) -> None:
    with pytest.raises(Permanent) as caught:
        from_message(Message(b"{}", attributes))
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"last_seq": "3"}, "last_seq"),
        ({"last_seq": None}, "last_seq"),
        ({"tenant": ""}, "tenant"),
        ({"connection_id": "../x"}, "connection_id"),
        ({"connection_id": "a:b"}, "connection_id"),
        ({"connection_id": "a\n"}, "connection_id"),
        ({"meeting_id": "m" * 129}, "meeting_id"),
    ],
)
def test_bad_data_is_permanent_and_named(change: dict[str, object], named: str) -> None:
    message = message_of(ENDED)
    data = json.dumps({**json.loads(message.data), **change}).encode()
    with pytest.raises(Permanent, match=named) as caught:
        from_message(Message(data, message.attributes))
    assert caught.value.reason == "invalid_event"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"tenant":"\xff"}', b'{"x":' + b"[" * 100_000, b"[]", b"null"])
def test_what_is_no_json_is_permanent(data: bytes) -> None:
    with pytest.raises(Permanent, match=r"turnscribe\.stream\.ended\.v1"):
        from_message(Message(data, message_of(ENDED).attributes))


@given(st.binary(max_size=80), st.sampled_from(sorted(EVENT_TYPES)))
def test_no_bytes_are_a_failure_of_ours(data: bytes, event_type: str) -> None:
    with pytest.raises(Permanent):
        from_message(Message(data, {"ce-specversion": "1.0", "ce-type": event_type}))


def test_negative_numbers_are_no_chunk() -> None:
    chunk = ChunkStored(
        tenant="t", meeting_id="m", connection_id="c", seq=-1, object_name="o", size_bytes=0, captured_at_ms=0
    )
    with pytest.raises(Permanent, match="seq"):
        from_message(message_of(chunk))
