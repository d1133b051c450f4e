import msgspec
import pytest

from common.events import SegmentReady, StreamOptions, Turn
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobInfo
from common.stored_segments import EVENT, MAX_EVENT_BYTES, event_of_segment, store_event
from tests.memory_ports import FakeBlobs

OBJECTS = ConnectionObjects("default", "c1")
NAME = OBJECTS.final_segment(0, 3_200)
CLOUD_STORAGE_METADATA_BYTES = 8 * 1024


def segment(turns: int = 1, speaker: str = "Ада Лавлейс") -> SegmentReady:
    return SegmentReady(
        tenant="default",
        meeting_id="m1",
        connection_id="c1",
        segment_id="c1:0:3200",
        channel=0,
        revision=3,
        final=True,
        start_ms=3_200,
        end_ms=13_216,
        padding_ms=200,
        object_name=NAME,
        epoch_offset_ms=1_600_000_000_000,
        turns=tuple(Turn(f"{speaker} {k % 7}", k * 100, k * 100 + 50) for k in range(turns)),
        options=StreamOptions(language="ru"),
    )


@pytest.mark.parametrize("turns", [0, 1, 20, 100, 150, 200, 2_000])
def test_the_event_comes_back_to_the_byte_and_fits_the_metadata_of_an_object(turns: int) -> None:
    blobs, event = FakeBlobs(), segment(turns)
    metadata = store_event(blobs, OBJECTS, event)
    assert (
        sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items()) < CLOUD_STORAGE_METADATA_BYTES
    )
    found = event_of_segment(blobs, BlobInfo(NAME, 1, metadata))
    assert found == event
    assert msgspec.json.encode(found) == msgspec.json.encode(event)
    assert bool(blobs.objects) == (len(msgspec.json.encode(event)) > MAX_EVENT_BYTES)


def test_two_long_events_of_one_segment_do_not_meet() -> None:
    blobs = FakeBlobs()
    stored = [(event, store_event(blobs, OBJECTS, event)) for event in (segment(500, "A"), segment(500, "B"))]
    for event, metadata in stored:
        assert event_of_segment(blobs, BlobInfo(NAME, 1, metadata)) == event


@pytest.mark.parametrize("metadata", [{}, {EVENT: "{}"}, {EVENT: "no JSON"}, {"event-object": "gone"}])
def test_what_another_release_wrote_has_no_event(metadata: dict[str, str]) -> None:
    assert event_of_segment(FakeBlobs(), BlobInfo(NAME, 1, {"end-frame": "1", **metadata})) is None
