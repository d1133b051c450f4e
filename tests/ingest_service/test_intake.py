from collections.abc import Mapping

import pytest

from common.object_names import ConnectionObjects
from common.ports.blob_store import Created
from common.settings import Secret
from common.stored_chunks import claimed_at_ms
from ingest_service.intake.intake import KnownConnection, KnownConnections
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import NOW_MS, TOKEN, Fault, Ingest

OBJECTS = ConnectionObjects("default", "c1")


def test_tenants_do_not_meet() -> None:
    known = KnownConnections()
    known.remember(("t", "a"), KnownConnection("m", 0))
    assert known.get(("u", "a")) is None


def test_raw_audio_path_is_where_objects_lie() -> None:
    ingest = Ingest(IngestSettings(api_token=Secret(TOKEN), raw_audio_path="uploads"))
    ingest.put(0, b"x")
    assert all(name.startswith("uploads/") for name in ingest.blobs.objects)


def test_a_connection_is_marked_before_it_is_described(ingest: Ingest) -> None:
    ingest.blobs.faults.plan([Fault.NONE, Fault.BEFORE])  # as if the process died between the two
    ingest.put(0, b"x")
    assert set(ingest.blobs.objects) == {OBJECTS.unregistered}
    assert claimed_at_ms(ingest.blobs.info(OBJECTS.unregistered)) == NOW_MS


def test_a_connection_that_is_described_is_never_marked_again(ingest: Ingest) -> None:
    ingest.put(0, b"x")
    ingest.blobs.delete(OBJECTS.unregistered)  # the segmenter has registered it
    ingest.restart()
    ingest.put(1, b"y")
    assert OBJECTS.unregistered not in ingest.blobs.objects


def test_a_mark_that_the_sweep_deletes_as_left_behind_is_set_again(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest.blobs.faults.plan([Fault.NONE, Fault.BEFORE])
    ingest.put(0, b"x")
    create = ingest.blobs.create

    def swept_meanwhile(name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        if name == OBJECTS.stream:
            ingest.blobs.delete(OBJECTS.unregistered)
        return create(name, data, metadata)

    monkeypatch.setattr(ingest.blobs, "create", swept_meanwhile)
    assert ingest.put(0, b"x").status_code == 201
    assert OBJECTS.unregistered in ingest.blobs.objects
