from typing import Any

import pytest

from common.events import Activity, SpeakersObserved
from common.object_names import ConnectionObjects
from common.stored_chunks import StreamDescription, event_of_content, stream_description
from tests.ingest_service.fakes import NOW_MS, Fault, Ingest, problem

OBJECTS = ConnectionObjects("default", "c1")
END_MS = 1_700_000_001_000
MASKS = {"ts_ms": END_MS, "bit_ms": 100, "masks": [["Ann", "0110001111"], ["Bob", "0000000000"]]}
INTERVALS = {
    "clock": "stream",
    "covered_from_ms": 0,
    "covered_to_ms": 1000,
    "intervals": [{"speaker": "Ann", "start_ms": 0, "end_ms": 900}],
}


def test_masks_become_one_stored_and_published_observation(ingest: Ingest) -> None:
    answer = ingest.post("speakers", MASKS)
    assert answer.status_code == 201
    (event,) = ingest.events
    assert isinstance(event, SpeakersObserved)
    assert answer.get_json() == {"observation_id": event.observation_id}
    assert event.object_name == OBJECTS.speakers(END_MS, event.observation_id)
    assert (event.clock, event.covered_from_ms, event.covered_to_ms) == ("epoch", END_MS - 1000, END_MS)
    assert event.activities == (
        Activity("Ann", END_MS - 900, END_MS - 700),
        Activity("Ann", END_MS - 400, END_MS),
    )
    assert event_of_content(ingest.blobs.objects[event.object_name].data, SpeakersObserved) == event


def test_intervals_are_taken_too(ingest: Ingest) -> None:
    assert ingest.post("speakers", INTERVALS).status_code == 201
    (event,) = ingest.events
    assert isinstance(event, SpeakersObserved)
    assert (event.clock, event.activities) == ("stream", (Activity("Ann", 0, 900),))


@pytest.mark.parametrize("body", [MASKS, INTERVALS])
def test_the_same_observation_again_is_one(ingest: Ingest, body: dict[str, Any]) -> None:
    first = ingest.post("speakers", body)
    again = ingest.post("speakers", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert len(ingest.events) == 2
    assert len(set(ingest.events)) == 1


def test_the_order_of_speakers_makes_no_difference(ingest: Ingest) -> None:
    ingest.post("speakers", MASKS)
    assert ingest.post("speakers", {**MASKS, "masks": list(reversed(MASKS["masks"]))}).status_code == 200  # type: ignore[call-overload]  # a list of masks


def test_an_object_of_another_release_is_published_as_it_is(ingest: Ingest) -> None:
    ingest.post("speakers", MASKS)
    (event,) = ingest.events
    assert isinstance(event, SpeakersObserved)
    stored = ingest.blobs.objects.pop(event.object_name)
    ingest.blobs.create(event.object_name, stored.data + b" ")
    assert ingest.post("speakers", MASKS).status_code == 200
    assert ingest.events == [event, event]


def test_speakers_may_come_before_any_chunk(ingest: Ingest) -> None:
    ingest.post("speakers", MASKS)
    assert stream_description(ingest.blobs.objects[OBJECTS.stream].data) == StreamDescription("m1", None, NOW_MS)
    assert ingest.put(0, b"x", "&language=en").status_code == 201


def test_speakers_of_another_meeting_are_refused(ingest: Ingest) -> None:
    ingest.put(0, b"x")
    assert problem(ingest.post("speakers", MASKS, meeting="m2"))[:2] == (409, "connection-of-another-meeting")


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
def test_a_failed_publish_is_503_and_the_retry_heals_it(ingest: Ingest, fault: Fault) -> None:
    ingest.publisher.faults.plan([fault])
    assert problem(ingest.post("speakers", MASKS))[0] == 503
    assert ingest.post("speakers", MASKS).status_code == 200
    assert len(set(ingest.events)) == 1
