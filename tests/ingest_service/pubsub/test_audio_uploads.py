"""What is published upstream becomes what an uploader over HTTP would have stored; poison is put aside and holds up nothing."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import Backpressure, Permanent, Retryable
from common.events import ChunkStored, Message, SpeakersObserved, StreamEnded
from ingest_service.intake.recordings import PIECE_BYTES
from tests.ingest_service.fakes import Fault
from tests.ingest_service.pubsub.fakes import BUCKET, OGG, OTHERS, PUBLISHED_MS, PUSH, PushedIngest, wrapped

IDS = {"connection_id": "c1", "meeting_id": "m1", "content_type": "audio/webm"}
CHUNKS = [b"\x1aE\xdf\xa3" + b"head" * 10, b"one", b"two", b"three"]
URI = f"gs://{OTHERS}/calls/Team Meeting.ogg"


def messages_of(chunks: list[bytes]) -> list[tuple[bytes, dict[str, str]]]:
    return [
        (data, IDS | {"seq": str(seq)} | ({"last": "true"} if seq == len(chunks) - 1 else {}))
        for seq, data in enumerate(chunks)
    ]


@given(st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_in_any_order_and_twice_a_stream_is_stored_once(chance: random.Random) -> None:
    ingest = PushedIngest()
    messages = messages_of(CHUNKS) * 2
    chance.shuffle(messages)
    assert [ingest.push(*message) for message in messages] == [204] * len(messages)
    assert ingest.stored("c1") == b"".join(CHUNKS)
    ends = [event for event in ingest.events if isinstance(event, StreamEnded)]
    assert {end.last_seq for end in ends} == {3}
    assert {event.seq for event in ingest.events if isinstance(event, ChunkStored)} == {0, 1, 2, 3}
    assert ingest.quarantined() == []


def test_both_ways_in_meet_in_one_stream(ingest: PushedIngest) -> None:
    assert ingest.put(0, CHUNKS[0]).status_code == 201
    assert ingest.push(*messages_of(CHUNKS)[0]) == 204
    assert ingest.push(*messages_of(CHUNKS)[1]) == 204
    assert ingest.put(1, CHUNKS[1]).status_code == 200
    assert ingest.status().get_json()["chunks"] == 2


def test_an_unwrapped_push_says_the_same(ingest: PushedIngest) -> None:
    headers = {
        **PUSH,
        "X-Goog-Pubsub-Message-Id": "1",
        "X-Goog-Pubsub-Publish-Time": "2023-11-14T22:13:20Z",
        "Connection-Id": "c1",
        "Meeting-Id": "m1",
        "Seq": "0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = ingest.client.post("/push/audio-uploads", data=CHUNKS[0], headers=headers)
    assert answer.status_code == 204
    (event,) = ingest.events
    assert isinstance(event, ChunkStored)
    assert (event.connection_id, event.captured_at_ms) == ("c1", PUBLISHED_MS)
    assert event.options.content_type == "application/octet-stream"


def test_speakers_and_the_end_come_as_over_http(ingest: PushedIngest) -> None:
    ids = {"connection_id": "c1", "meeting_id": "m1"}
    masks = json.dumps({"ts_ms": PUBLISHED_MS, "masks": [["Ann", "0111"]]}).encode()
    assert ingest.push(masks, ids | {"kind": "speakers"}) == 204
    assert ingest.push(b'{"last_seq": 0, "observations": 1}', ids | {"kind": "end"}) == 204
    observed, ended = ingest.events
    assert isinstance(observed, SpeakersObserved)
    assert isinstance(ended, StreamEnded)
    assert (ended.last_seq, ended.observations) == (0, 1)


def test_a_tenant_s_stream_is_its_own(ingest: PushedIngest) -> None:
    assert ingest.push(CHUNKS[0], IDS | {"seq": "0", "tenant": "acme"}) == 204
    assert ingest.push(CHUNKS[0], IDS | {"seq": "0", "tenant": "globex"}) == 204
    assert ingest.quarantined() == ["tenant_not_allowed"]
    assert [event.tenant for event in ingest.events] == ["acme"]
    assert ingest.status().status_code == 404, "the default tenant has no such connection"


POISON: list[tuple[bytes, dict[str, str], str]] = [
    (b"x", {}, "missing_attribute"),
    (b"not audio, for all that anybody knows", IDS | {"seq": "0"}, "unknown_container"),
    (CHUNKS[0] * 9000, IDS | {"seq": "0"}, "too_large"),
    (b"x", IDS | {"seq": "0", "meeting_id": "another"}, "connection_of_another_meeting"),
    (b"y", IDS | {"seq": "1"}, "chunk_differs"),
    (b"", {"uri": f"gs://{OTHERS}/gone.ogg"}, "source_not_found"),
    (b"", {"uri": f"gs://{OTHERS}/empty.ogg"}, "empty_recording"),
    (b"", {"uri": f"gs://{OTHERS}/large.ogg"}, "too_large"),
    (b"", {"uri": f"gs://{OTHERS}/text.txt"}, "unknown_container"),
    (b"", IDS | {"seq": "2", "uri": f"gs://{OTHERS}/large.ogg"}, "too_large"),
    (b"", {"uri": f"gs://{BUCKET}/raw/x"}, "source_not_allowed"),
]


@pytest.mark.parametrize(("data", "attributes", "reason"), POISON, ids=[reason for _, _, reason in POISON])
def test_poison_is_put_aside_with_its_reason_and_bytes(data: bytes, attributes: dict[str, str], reason: str) -> None:
    ingest = PushedIngest(max_chunk_bytes=300_000, max_recording_bytes=1024**2)
    ingest.sources.put(f"gs://{OTHERS}/empty.ogg", b"")
    ingest.sources.put(f"gs://{OTHERS}/large.ogg", OGG)
    ingest.sources.put(f"gs://{OTHERS}/text.txt", b"These are the minutes of a meeting, in words.")
    if reason in {"connection_of_another_meeting", "chunk_differs"}:
        assert ingest.push(CHUNKS[0], IDS | {"seq": "0"}) == 204
        assert ingest.push(b"one", IDS | {"seq": "1"}) == 204
    before = list(ingest.events)
    assert ingest.push(data, attributes) == 204
    ((_, held),) = ingest.quarantine()
    assert held.metadata["reason"] == reason
    assert held.data == wrapped(Message(data, attributes), subscription="audio-uploads")
    assert ingest.events == before
    assert ingest.push(CHUNKS[0], IDS | {"connection_id": "next", "seq": "0"}) == 204
    assert len(ingest.events) == len(before) + 1


def test_without_a_bucket_there_are_no_references() -> None:
    ingest = PushedIngest(gcs_bucket="")
    ingest.sources.put(URI, OGG)
    assert ingest.push(b"", {"uri": URI}) == 204
    assert ingest.quarantined() == ["no_source_objects"]
    assert ingest.sources.reads == []


def test_a_reference_becomes_a_recording_piece_by_piece(ingest: PushedIngest) -> None:
    ingest.sources.put(URI, OGG)
    for _ in range(2):
        assert ingest.push(b"", {"uri": URI, "language": "de"}) == 204
        ingest.restart()
    offsets = [offset for _, offset in ingest.sources.reads]
    assert offsets == [0, PIECE_BYTES, 2 * PIECE_BYTES], "the second delivery reads nothing again"
    assert {type(event) for event in ingest.events} == {StreamEnded}
    (connection_id,) = {event.connection_id for event in ingest.events}
    (meeting_id,) = {event.meeting_id for event in ingest.events}
    assert meeting_id.startswith("Team-Meeting-")
    assert ingest.stored(connection_id) == OGG
    assert ingest.quarantined() == []


def test_the_same_object_in_another_version_or_meeting_is_another_recording(ingest: PushedIngest) -> None:
    for generation, meeting in (("1", "m1"), ("1", "m2"), ("2", "m1"), ("2", "m1")):
        ingest.sources.put(URI, OGG + generation.encode(), generation=generation)
        assert ingest.push(b"", {"uri": URI, "meeting_id": meeting}) == 204
    assert len({event.connection_id for event in ingest.events}) == 3
    assert ingest.push(b"", {"uri": URI, "generation": "1", "meeting_id": "m1"}) == 204
    assert ingest.quarantined() == ["source_not_found"]


def test_an_id_of_the_publisher_s_own_is_kept_and_not_reused(ingest: PushedIngest) -> None:
    ingest.sources.put(URI, OGG)
    other = f"gs://{OTHERS}/other.ogg"
    ingest.sources.put(other, OGG[:-1] + b"x")
    wanted = {"connection_id": "mine", "meeting_id": "m1"}
    assert ingest.push(b"", wanted | {"uri": URI}) == 204
    assert ingest.push(b"", wanted | {"uri": other}) == 204
    assert ingest.stored("mine") == OGG
    assert ingest.quarantined() == ["recording_differs"]


@given(st.lists(st.sampled_from(list(Fault)), max_size=14), st.lists(st.booleans(), max_size=4))
@settings(max_examples=40)
def test_wherever_a_copy_breaks_off_the_next_delivery_goes_on(faults: list[Fault], reads_fail: list[bool]) -> None:
    ingest = PushedIngest()
    ingest.sources.put(URI, OGG)
    ingest.sources.faults.after += [Retryable("away", reason="source_down") for fails in reads_fail if fails]
    ingest.blobs.faults.plan(faults)
    for _ in range(len(faults) + len(reads_fail) + 1):
        if ingest.push(b"", {"uri": URI, "meeting_id": "m1"}) == 204:
            break
        ingest.restart()
    else:
        pytest.fail("it never came through")
    (connection_id,) = {event.connection_id for event in ingest.events}
    assert ingest.stored(connection_id) == OGG
    assert ingest.quarantined() == []


def test_a_reference_may_be_one_chunk_with_the_object_s_own_type(ingest: PushedIngest) -> None:
    ingest.sources.put(URI, OGG[:2_000], content_type="audio/ogg")
    ids = {"connection_id": "c1", "meeting_id": "m1"}
    assert ingest.push(b"", ids | {"uri": URI, "seq": "0", "last": "true"}) == 204
    chunk, ended = ingest.events
    assert isinstance(chunk, ChunkStored)
    assert isinstance(ended, StreamEnded)
    assert chunk.options.content_type == "audio/ogg"
    assert ingest.stored("c1") == OGG[:2_000]


def test_bytes_of_a_whole_recording_make_the_same_recording_each_time(ingest: PushedIngest) -> None:
    for _ in range(2):
        assert ingest.push(OGG, {"kind": "recording", "content_type": "audio/ogg"}) == 204
    assert ingest.push(OGG, {"kind": "recording", "meeting_id": "m1"}) == 204
    by_meeting = {event.meeting_id: event.connection_id for event in ingest.events}
    assert len(by_meeting) == len(set(by_meeting.values())) == 2
    assert all(ingest.stored(connection) == OGG for connection in by_meeting.values())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Retryable("down", reason="down"), 503),
        (Backpressure("quota", reason="quota", retry_after_s=5), 429),
        (Permanent("gone", reason="gone"), 204),
        (ZeroDivisionError(), 500),
    ],
)
def test_each_class_of_failure_has_the_status_that_events_have(
    ingest: PushedIngest, error: Exception, status: int
) -> None:
    ingest.sources.faults.before.append(error)
    assert ingest.push(b"", {"uri": URI}) == status
    assert ingest.quarantined() == (["gone"] if status == 204 else [])


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Bearer correct-horse"}])
@pytest.mark.parametrize("to", ["audio-uploads", "dropbox", "dead-letters", "x"])
def test_nobody_but_the_push_service_gets_in(ingest: PushedIngest, headers: dict[str, str], to: str) -> None:
    assert ingest.push(*messages_of(CHUNKS)[0], to=to, headers=headers) == 401
    assert ingest.blobs.objects == {}


def test_what_can_not_be_put_aside_comes_again(ingest: PushedIngest) -> None:
    ingest.blobs.faults.plan([Fault.BEFORE])
    assert ingest.push(b"x", {}) == 503
    assert ingest.push(b"x", {}) == 204
    assert ingest.quarantined() == ["missing_attribute"]


def dead(attributes: dict[str, Any], source: str = "audio-uploads") -> dict[str, str]:
    return attributes | {
        "CloudPubSubDeadLetterSourceDeliveryCount": "100",
        "CloudPubSubDeadLetterSourceSubscription": f"dev-{source}",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2023-11-14T22:13:20.000Z",
    }


def test_a_dead_letter_is_tried_once_more_and_healed(ingest: PushedIngest) -> None:
    assert ingest.push(CHUNKS[0], dead(IDS | {"seq": "0"}), to="dead-letters") == 204
    assert ingest.stored("c1") == CHUNKS[0]
    assert not any(name.startswith("raw/dead-letters/") for name in ingest.blobs.objects)
