"""What every pair of a publisher and its push service promises."""

import json
from concurrent.futures import ThreadPoolExecutor

from opentelemetry.trace import SpanKind

from common.events import ChunkStored, Event, Message, SegmentReady, StreamEnded, from_message
from common.trace import current_traceparent, span
from tests.contracts.conftest import PUSH_TOKEN, PushService

TOPIC = StreamEnded.TOPIC


def ended(number: int = 0) -> StreamEnded:
    return StreamEnded(
        tenant="default", meeting_id="m1", connection_id=f"c{number}", last_seq=number, object_name="raw/end.json"
    )


def events(service: PushService, path: str) -> list[Event]:
    return [from_message(received.pushed.message) for received in service.receiver.received(path)]


def test_what_is_published_is_pushed_as_it_was(push_service: PushService) -> None:
    push_service.subscribe(TOPIC, "/push/a")
    with span("test", "publish", SpanKind.PRODUCER, traceparent=None):
        traceparent = current_traceparent()
        push_service.publisher.publish(ended(7))
    (received,) = push_service.receiver.wait_for(1, "/push/a")
    assert from_message(received.pushed.message) == ended(7)
    attributes = received.pushed.message.attributes
    assert attributes["ce-id"] == ended(7).event_id
    assert attributes["ce-traceparent"] == traceparent
    assert received.pushed.message_id
    assert received.pushed.subscription.endswith("a")


def test_the_envelope_is_pub_subs(push_service: PushService) -> None:
    push_service.subscribe(TOPIC, "/push/a")
    push_service.publisher.publish(ended())
    (received,) = push_service.receiver.wait_for(1, "/push/a")
    envelope = json.loads(received.body)
    assert {"message", "subscription"} <= envelope.keys()
    assert {"data", "attributes", "messageId", "publishTime"} <= envelope["message"].keys()
    assert received.headers["Content-Type"] == "application/json"
    if push_service.proves_itself:  # the emulator does not
        assert received.headers["Authorization"] == f"Bearer {PUSH_TOKEN}"


def test_every_subscription_gets_every_message(push_service: PushService) -> None:
    push_service.subscribe(TOPIC, "/push/a")
    push_service.subscribe(TOPIC, "/push/b")
    push_service.subscribe(SegmentReady.TOPIC, "/push/c")
    for number in range(3):
        push_service.publisher.publish(ended(number))
    for path in ("/push/a", "/push/b"):
        push_service.receiver.wait_for(3, path)
        assert {event.connection_id for event in events(push_service, path)} == {"c0", "c1", "c2"}
    assert push_service.receiver.received("/push/c") == []


def test_nobody_hears_what_was_published_before_the_subscription(push_service: PushService) -> None:
    push_service.publisher.publish(ended(1))
    push_service.subscribe(TOPIC, "/push/a")
    push_service.publisher.publish(ended(2))
    push_service.receiver.wait_for(1, "/push/a")
    assert events(push_service, "/push/a") == [ended(2)]


def test_a_refused_message_comes_again_until_it_is_accepted(push_service: PushService) -> None:
    push_service.subscribe(TOPIC, "/push/a")
    push_service.receiver.answer(503, 500, 404, path="/push/a")
    push_service.publisher.publish(ended())
    received = push_service.receiver.wait_for(4, "/push/a")
    assert len({each.pushed.message_id for each in received}) == 1
    assert events(push_service, "/push/a") == [ended()] * 4


def test_a_refusal_holds_up_no_other_message(push_service: PushService) -> None:
    push_service.subscribe(TOPIC, "/push/a")
    push_service.receiver.answer(503, path="/push/a")
    for number in range(5):
        push_service.publisher.publish(ended(number))
    push_service.receiver.wait_for(6, "/push/a")
    assert {event.connection_id for event in events(push_service, "/push/a")} == {f"c{number}" for number in range(5)}


def test_many_publishers_at_once_lose_nothing(push_service: PushService) -> None:
    push_service.subscribe(TOPIC, "/push/a")
    with ThreadPoolExecutor(8) as publishers:
        list(publishers.map(lambda number: push_service.publisher.publish(ended(number)), range(80)))
    push_service.receiver.wait_until(
        lambda: (
            {from_message(each.pushed.message).connection_id for each in push_service.receiver._received}
            == {f"c{number}" for number in range(80)}
        )
    )


def test_a_large_event_arrives_whole(push_service: PushService) -> None:
    push_service.subscribe(ChunkStored.TOPIC, "/push/a")
    event = ChunkStored(
        tenant="default",
        meeting_id="m1",
        connection_id="c1",
        seq=1,
        object_name="x" * 200_000,
        size_bytes=3,
        captured_at_ms=4,
    )
    push_service.publisher.publish(event)
    push_service.receiver.wait_for(1, "/push/a")
    assert events(push_service, "/push/a") == [event]


def test_a_publisher_that_works_is_ready(push_service: PushService) -> None:
    push_service.publisher.check()  # raises where it is not
    assert push_service.receiver.received("/push/a") == [], "asking publishes nothing"


def test_a_message_of_others_is_pushed_as_it_was(push_service: PushService) -> None:
    push_service.subscribe("audio-uploads", "/push/raw")
    message = Message(b"\x00\xff" * 400_000, {"connection_id": "c1", "Meeting-Id": "m ü", "seq": "0"})
    push_service.publisher.publish_message("audio-uploads", message)
    (received,) = push_service.receiver.wait_for(1, "/push/raw")
    assert received.pushed.message == message
    assert received.pushed.published_ms


def test_a_message_of_others_may_be_attributes_alone(push_service: PushService) -> None:
    push_service.subscribe("dropbox", "/push/raw")
    push_service.publisher.publish_message("dropbox", Message(b"", {"eventType": "OBJECT_FINALIZE"}))
    (received,) = push_service.receiver.wait_for(1, "/push/raw")
    assert received.pushed.message == Message(b"", {"eventType": "OBJECT_FINALIZE"})
