"""`POST /v1/uploads/{id}/speakers`: who spoke in a recording of which nobody knows yet."""

from collections.abc import Mapping

import pytest
from werkzeug.test import TestResponse

from common.events import Activity, SpeakersObserved, StreamEnded
from common.object_names import ConnectionObjects
from common.ports.blob_store import Created
from common.stored_chunks import event_of_content
from tests.ingest_service.fakes import AUTHORIZED, Fault, Ingest, MemoryBlobs, problem
from tests.ingest_service.tus import connection_of, create, patch

RECORDING = b"OggS" + bytes(range(100))
SPOKEN = {
    "clock": "stream",
    "covered_from_ms": 0,
    "covered_to_ms": 1000,
    "intervals": [{"speaker": "Ann", "start_ms": 0, "end_ms": 900}],
}


@pytest.fixture
def url(ingest: Ingest) -> str:
    return create(ingest, len(RECORDING), {"meeting_id": "m1"}).headers["Location"]


def tell(ingest: Ingest, url: str, body: object = SPOKEN) -> TestResponse:
    return ingest.client.post(f"{url}/speakers", json=body, headers=AUTHORIZED)


def observed(ingest: Ingest, url: str) -> list[SpeakersObserved]:
    prefix = ConnectionObjects("default", connection_of(url)).speakers_prefix
    return [
        event_of_content(ingest.blobs.objects[info.name].data, SpeakersObserved) for info in ingest.blobs.list(prefix)
    ]


def test_before_the_last_byte_it_is_kept_and_nobody_knows(ingest: Ingest, url: str) -> None:
    patch(ingest, url, 0, RECORDING[:-1])
    answers = [tell(ingest, url), tell(ingest, url)]
    assert [answer.status_code for answer in answers] == [201, 200]
    (event,) = observed(ingest, url)
    assert answers[0].get_json() == answers[1].get_json() == {"observation_id": event.observation_id}
    assert (event.meeting_id, event.clock, event.activities) == ("m1", "stream", (Activity("Ann", 0, 900),))
    objects = ConnectionObjects("default", connection_of(url))
    assert ingest.events == []
    assert objects.stream not in ingest.blobs.objects
    assert objects.unregistered not in ingest.blobs.objects
    patch(ingest, url, len(RECORDING) - 1, RECORDING[-1:])
    (end,) = ingest.events
    assert isinstance(end, StreamEnded)
    assert end.observations is None


def test_after_the_last_byte_it_is_published_as_of_any_stream(ingest: Ingest, url: str) -> None:
    tell(ingest, url)
    patch(ingest, url, 0, RECORDING)
    ingest.events.clear()
    later = SPOKEN | {"covered_from_ms": 1000, "covered_to_ms": 2000, "intervals": []}
    assert [tell(ingest, url, later).status_code, tell(ingest, url).status_code] == [201, 200]
    assert [event.object_name for event in ingest.events if isinstance(event, SpeakersObserved)] == [
        event.object_name for event in observed(ingest, url)[::-1]
    ]


def test_what_is_kept_while_the_last_byte_comes_is_published(
    ingest: Ingest, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_object = MemoryBlobs.create
    sent: list[int] = []

    def meanwhile(blobs: MemoryBlobs, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        if "/speakers/" in name and not sent:
            sent.append(patch(ingest, url, 0, RECORDING).status_code)
        return create_object(blobs, name, data, metadata)

    monkeypatch.setattr(MemoryBlobs, "create", meanwhile)
    assert tell(ingest, url).status_code == 201
    assert sent == [204]
    assert observed(ingest, url) == [event for event in ingest.events if isinstance(event, SpeakersObserved)]


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER])
def test_a_2xx_means_that_it_is_durable(ingest: Ingest, url: str, fault: Fault) -> None:
    ingest.blobs.faults.plan([fault])
    assert tell(ingest, url).status_code == 503
    assert tell(ingest, url).status_code == (201 if fault is Fault.BEFORE else 200)
    assert len(observed(ingest, url)) == 1


def test_what_is_wrong_is_named(ingest: Ingest, url: str) -> None:
    assert problem(tell(ingest, "/v1/uploads/other"))[:2] == (404, "unknown-upload")
    assert problem(tell(ingest, url, {"masks": "x"}))[:2] == (400, "invalid-body")
    assert ingest.client.post(f"{url}/speakers", json=SPOKEN).status_code == 401
    assert problem(ingest.client.post(f"{url}/speakers?x=1", json=SPOKEN, headers=AUTHORIZED))[0] == 400
    assert observed(ingest, url) == []
