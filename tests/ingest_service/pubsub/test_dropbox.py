"""A file in the drop box is a meeting; its other versions are others; what is none holds up nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Permanent
from common.events import StreamEnded
from common.ids import checked_id
from common.object_names import ConnectionObjects
from common.stored_chunks import event_of_chunk
from ingest_service.pubsub.trust import UploadTrust
from ingest_service.pubsub.whole_objects import digest_of, meeting_named_after
from tests.ingest_service.pubsub.fakes import BUCKET, OGG, PUBLISHED_MS, PushedIngest

NAME = "dropbox/Café talk, part 1.ogg"


def notification(name: str = NAME, generation: str = "1", **attributes: str) -> dict[str, str]:
    return {
        "notificationConfig": f"projects/_/buckets/{BUCKET}/notificationConfigs/1",
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "NONE",
        "bucketId": BUCKET,
        "objectId": name,
        "objectGeneration": generation,
        **attributes,
    }


def drop(ingest: PushedIngest, name: str = NAME, data: bytes = OGG, generation: str = "1", **object_: Any) -> int:
    ingest.sources.put(f"gs://{BUCKET}/{name}", data, generation=generation, **object_)
    return ingest.push(b"", notification(name, generation), to="dropbox")


def ended(ingest: PushedIngest) -> list[StreamEnded]:
    """The recordings, each once."""
    assert all(isinstance(event, StreamEnded) for event in ingest.events)
    return list(dict.fromkeys(event for event in ingest.events if isinstance(event, StreamEnded)))


def test_a_file_becomes_a_meeting_however_often_it_is_told_of(ingest: PushedIngest) -> None:
    for _ in range(3):
        assert drop(ingest) == 204
        ingest.restart()
    (recording,) = ended(ingest)
    assert recording.meeting_id.startswith("Cafe-talk-part-1-")
    assert recording.tenant == "default"
    assert ingest.stored(recording.connection_id) == OGG
    objects = ConnectionObjects("default", recording.connection_id)
    first = event_of_chunk("default", recording.connection_id, ingest.blobs.info(objects.chunk(0)))
    assert (first.options.content_type, first.captured_at_ms) == ("audio/ogg", PUBLISHED_MS)


def test_another_version_and_another_folder_are_other_meetings(ingest: PushedIngest) -> None:
    assert drop(ingest) == 204
    assert drop(ingest, generation="2", data=OGG + b"more") == 204
    assert drop(ingest, name="dropbox/b/Café talk, part 1.ogg") == 204
    recordings = ended(ingest)
    assert len({each.meeting_id for each in recordings}) == len({each.connection_id for each in recordings}) == 3
    assert ingest.quarantined() == []


def test_a_version_that_was_overwritten_is_put_aside(ingest: PushedIngest) -> None:
    ingest.sources.put(f"gs://{BUCKET}/{NAME}", OGG, generation="2")
    assert ingest.push(b"", notification(generation="1"), to="dropbox") == 204
    assert ingest.push(b"", notification(generation="2"), to="dropbox") == 204
    assert ingest.quarantined() == ["source_not_found"]
    assert len(ended(ingest)) == 1


def test_a_tenant_s_folder_is_its_own(ingest: PushedIngest) -> None:
    for folder in ("acme/", "globex/", ""):
        assert drop(ingest, name=f"dropbox/{folder}a.ogg") == 204
    assert [each.tenant for each in ended(ingest)] == ["acme", "default", "default"]


def test_what_the_object_s_metadata_says_counts(ingest: PushedIngest) -> None:
    metadata = {"meeting_id": "board", "Language": "de", "source": "zoom", "color": "red"}
    assert drop(ingest, metadata=metadata) == 204
    (recording,) = ended(ingest)
    assert recording.meeting_id == "board"
    info = ingest.blobs.info(ConnectionObjects("default", recording.connection_id).chunk(0))
    options = event_of_chunk("default", recording.connection_id, info).options
    assert (options.language, options.source) == ("de", "zoom")


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"eventType": "OBJECT_DELETE"}, None),
        ({"eventType": "OBJECT_METADATA_UPDATE"}, None),
        ({"objectId": "dropbox/folder/"}, None),
        ({"objectId": "raw/x"}, None),
        ({"objectId": "dropboxes/x"}, None),
        ({"eventType": ""}, "missing_attribute"),
        ({"objectId": ""}, "missing_attribute"),
        ({"objectGeneration": ""}, "missing_attribute"),
        ({"bucketId": ""}, "missing_attribute"),
        ({"bucketId": "another-bucket"}, "other_bucket"),
        ({"objectId": "dropbox/gone.ogg"}, "source_not_found"),
    ],
)
def test_what_is_nothing_new_is_acknowledged_and_what_is_wrong_put_aside(
    ingest: PushedIngest, attributes: dict[str, str], reason: str | None
) -> None:
    assert ingest.push(b"", notification() | attributes, to="dropbox") == 204
    assert ingest.quarantined() == ([reason] if reason else [])
    assert ingest.events == []


@pytest.mark.parametrize(
    ("data", "metadata", "reason"),
    [
        (b"", {}, "empty_recording"),
        (b"These are the minutes of a meeting, in words.", {}, "unknown_container"),
        (OGG, {"meeting_id": "a/b"}, "invalid_id"),
        (OGG, {"language": "?"}, "invalid_parameter"),
        (OGG, {"meeting_id": "a", "meeting-id": "b"}, "invalid_attribute"),
    ],
)
def test_what_is_no_recording_holds_up_no_other(
    ingest: PushedIngest, data: bytes, metadata: dict[str, str], reason: str
) -> None:
    assert drop(ingest, name="dropbox/bad.ogg", data=data, metadata=metadata) == 204
    assert drop(ingest) == 204
    assert ingest.quarantined() == [reason]
    assert len(ended(ingest)) == 1


@given(st.text(max_size=200))
def test_every_file_name_makes_a_meeting_id(name: str) -> None:
    meeting_id = meeting_named_after(f"dropbox/{name}", digest_of(name))
    assert checked_id(meeting_id, "meeting_id") == meeting_id


@given(st.lists(st.text(max_size=3), max_size=3), st.lists(st.text(max_size=3), max_size=3))
def test_only_the_same_parts_have_the_same_digest(one: list[str], other: list[str]) -> None:
    assert (digest_of(*one) == digest_of(*other)) == (one == other)


@given(
    st.text(max_size=30),
    st.frozensets(st.sampled_from(["acme", "globex", "*"])),
    st.sampled_from(["default", "acme", "globex", "other"]),
)
def test_no_message_can_name_another_tenant_s_object(name: str, tenants: frozenset[str], tenant: str) -> None:
    trust = UploadTrust(tenants, frozenset(), BUCKET, "dropbox")
    for object_name in (name, f"dropbox/{name}", f"dropbox/acme/{name}", f"raw/{name}", f"dropbox/globex/{name}"):
        try:
            trust.check_source(tenant, f"gs://{BUCKET}/{object_name}")
        except Permanent:
            continue
        assert object_name.startswith("dropbox/")
        assert trust.tenant_of_dropped(object_name) == tenant
