"""Messages that failed too often: tried once more, kept with the reason, and published again to their own topic."""

import pytest

from common.dead_letters import DeadLetters
from common.errors import Permanent, Retryable
from common.events import Message
from common.push import first_published_ms, parse_push
from tests.ingest_service.fakes import Fault
from tests.ingest_service.pubsub.fakes import BUCKET, OTHERS, PUBLISHED_MS, PushedIngest, wrapped
from tests.memory_ports import FakePublisher

URI = f"gs://{OTHERS}/a.ogg"
DOWN = Retryable("the bucket is away", reason="source_unavailable")
UPLOAD = {"uri": URI, "meeting_id": "m1", "tenant": "acme", "x-own": "kept"}
NOTIFIED = {
    "eventType": "OBJECT_FINALIZE",
    "bucketId": BUCKET,
    "objectId": "dropbox/acme/a.ogg",
    "objectGeneration": "1",
}


def dead(attributes: dict[str, str], source: str | None) -> dict[str, str]:
    moved = {"CloudPubSubDeadLetterSourceDeliveryCount": "100", "googclient_x": "y"}
    if source:
        moved["CloudPubSubDeadLetterSourceSubscription"] = source
        moved["CloudPubSubDeadLetterSourceTopicPublishTime"] = "2023-11-14T22:13:20.000Z"
    return attributes | moved


@pytest.mark.parametrize(
    ("attributes", "source", "topic"),
    [
        (UPLOAD, "audio-uploads", "audio-uploads"),
        (UPLOAD, "projects/p/subscriptions/dev-audio-uploads", "audio-uploads"),
        (UPLOAD, None, "audio-uploads"),
        (NOTIFIED, "dropbox", "dropbox"),
        (NOTIFIED, None, "dropbox"),
    ],
)
def test_it_is_kept_shown_and_published_again_as_it_was(
    ingest: PushedIngest, attributes: dict[str, str], source: str | None, topic: str
) -> None:
    letters = DeadLetters(ingest.blobs, "raw")
    for _ in range(2):
        ingest.sources.faults.before.append(DOWN)
        assert ingest.push(b"", dead(attributes, source), to="dead-letters") == 204
    (entry,) = letters.page("acme", limit=9).dead_letters
    assert (entry.type, entry.reason) == (topic, "source_unavailable")
    assert entry.id.startswith(f"{PUBLISHED_MS:014d}-")
    assert letters.page("default", limit=9).dead_letters == ()
    _, letter = letters.read("acme", entry.id)
    assert letter.attempts == 100
    publisher = FakePublisher()
    letters.replay("acme", entry.id, publisher)
    assert publisher.messages == [(topic, Message(b"", attributes))]
    assert letters.page("acme", limit=9).dead_letters == ()


def test_letters_that_differ_in_an_attribute_alone_are_two(ingest: PushedIngest) -> None:
    for meeting in ("m1", "m2"):
        ingest.sources.faults.before.append(DOWN)
        assert ingest.push(b"", dead(UPLOAD | {"meeting_id": meeting}, "audio-uploads"), to="dead-letters") == 204
    found = DeadLetters(ingest.blobs, "raw").page("acme", limit=9).dead_letters
    assert {entry.meeting_id for entry in found} == {"m1", "m2"}


@pytest.mark.parametrize("source", ["audio-uploads", "dropbox", None])
def test_what_can_never_be_handled_goes_to_quarantine(ingest: PushedIngest, source: str | None) -> None:
    assert ingest.push(b"x", dead({}, source), to="dead-letters") == 204
    assert ingest.quarantined() == ["missing_attribute"]


def test_what_can_not_be_kept_comes_again(ingest: PushedIngest) -> None:
    ingest.sources.faults.before.append(DOWN)
    ingest.blobs.faults.plan([Fault.BEFORE])
    assert ingest.push(b"", dead(UPLOAD, "audio-uploads"), to="dead-letters") == 503


def test_a_defect_of_ours_is_kept_too(ingest: PushedIngest) -> None:
    ingest.sources.faults.before.append(ZeroDivisionError("words"))
    assert ingest.push(b"", dead(UPLOAD, "audio-uploads"), to="dead-letters") == 204
    (entry,) = DeadLetters(ingest.blobs, "raw").page("acme", limit=9).dead_letters
    assert (entry.reason, entry.detail) == ("internal_error", "ZeroDivisionError")


def test_the_time_of_first_publishing_is_found_in_every_form() -> None:
    body = wrapped(Message(b"", dead(UPLOAD, "audio-uploads")), subscription="s")
    assert first_published_ms(parse_push({}, body)) == PUBLISHED_MS
    body = wrapped(Message(b"", {}), subscription="s")
    assert first_published_ms(parse_push({}, body)) == PUBLISHED_MS
    headers = {"x-goog-pubsub-message-id": "1", "x-goog-pubsub-publish-time": "2023-11-14T22:13:20Z"}
    assert first_published_ms(parse_push(headers, b"")) == PUBLISHED_MS
    assert first_published_ms(parse_push({"x-goog-pubsub-message-id": "1"}, b"")) is None
    with pytest.raises(Permanent):
        parse_push({}, b"")
