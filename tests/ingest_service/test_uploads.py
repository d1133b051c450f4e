"""However many append to one upload, and wherever each of them breaks: what is durable is always a beginning of the recording."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.google.gcs_blob_store import GcsBlobStore
from common.errors import Permanent, Retryable
from common.events import StreamEnded, StreamOptions
from common.ports.blob_store import BlobNotFound, BlobStore
from common.problems import Problem
from ingest_service.intake import uploads as module
from ingest_service.intake.connection_limits import ConnectionLimits
from ingest_service.intake.intake import Intake, KnownConnections
from ingest_service.intake.recordings import RecordingDiffers, fixed_pieces
from ingest_service.intake.requests import Stream
from ingest_service.intake.uploads import OffsetMoved, Upload, Uploads
from local_cloud.emulators import PROJECT
from tests.ingest_service.fakes import Fault, FrozenClock, MemoryBlobs, MemoryPublisher
from tests.memory_ports import FakePublisher

PIECE = 64
RECORDING = b"OggS" + random.Random(1).randbytes(995)
STREAM = Stream("t", "c1", "m1")
UPLOAD = Upload("m1", len(RECORDING), StreamOptions(), 1_700_000_000_000)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fixed_pieces", partial(fixed_pieces, size_bytes=PIECE))


def uploads_over(blobs: BlobStore, publisher: FakePublisher | MemoryPublisher, max_chunks: int = 10_000) -> Uploads:
    limits = ConnectionLimits(max_chunks=max_chunks)
    return Uploads(Intake(blobs, publisher, "raw", KnownConnections(), FrozenClock(), limits))


def durable(blobs: BlobStore) -> bytes:
    """The chunks put together, which must be there without a hole, and none of them empty."""
    chunks = [info for info in blobs.list("raw/") if "/chunks/" in info.name]
    assert [int(info.name[-8:]) for info in chunks] == list(range(len(chunks)))
    assert all(info.size_bytes for info in chunks)
    return b"".join(blobs.read(info.name) for info in chunks)


def complete(uploads: Uploads) -> None:
    """Go on as a client does that asks after every failure."""
    for _ in range(2_000):
        try:
            at = uploads.offset(STREAM, UPLOAD)
            if at == len(RECORDING):
                return
            uploads.append(STREAM, UPLOAD, at, [RECORDING[at:]])
        except (OffsetMoved, Retryable):
            continue
    raise AssertionError("never complete")


PARTS = st.lists(
    st.tuples(
        st.integers(0, 1),  # in which process
        st.integers(1, 200),  # bytes of the part
        st.integers(0, 3),  # pieces after which the next part begins, while this one is still coming
        st.lists(st.sampled_from([Fault.NONE, Fault.NONE, Fault.NONE, Fault.BEFORE, Fault.AFTER]), max_size=3),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PARTS)
def test_parts_within_parts_never_mix(parts: list[tuple[int, int, int, list[Fault]]]) -> None:
    """Each part begins while the one before is half there: a slow request and its retry, as deep as they come."""
    blobs = MemoryBlobs()
    publisher = MemoryPublisher(blobs)
    processes = [uploads_over(blobs, publisher) for _ in range(2)]
    processes[0].begin(STREAM, UPLOAD)

    def send(number: int) -> None:
        if number == len(parts):
            return
        process, size_bytes, overtaken_after, faults = parts[number]
        try:
            at = processes[process].offset(STREAM, UPLOAD)
            part = RECORDING[at : at + size_bytes]

            def body() -> Iterator[bytes]:
                for index, begin in enumerate(range(0, len(part), PIECE)):
                    if index == overtaken_after:
                        send(number + 1)
                        blobs.faults.plan(faults)
                    yield part[begin : begin + PIECE]

            ends_at = processes[process].append(STREAM, UPLOAD, at, body())
        except (OffsetMoved, Retryable):
            pass
        else:
            assert ends_at == at + len(part)
            assert durable(blobs)[at:ends_at] == part
        assert RECORDING.startswith(durable(blobs))

    for number in range(len(parts)):
        send(number)
    blobs.faults.plan([])
    complete(uploads_over(blobs, publisher))
    assert durable(blobs) == RECORDING
    assert {type(event) for event in publisher.events} == {StreamEnded}
    assert len(set(publisher.events)) == 1


@pytest.fixture(params=["files", pytest.param("Cloud Storage", marks=pytest.mark.component("emulators"))])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[BlobStore]]:
    """One store, as two processes see it."""
    made: list[FileBlobStore] | list[GcsBlobStore]
    if request.param == "files":
        made = [FileBlobStore(tmp_path) for _ in range(2)]
    else:
        bucket = request.getfixturevalue("bucket")
        made = [GcsBlobStore(PROJECT, bucket) for _ in range(2)]
    yield list(made)
    for store in made:
        store.close()


def test_parts_at_once_store_the_bytes_once(stores: list[BlobStore]) -> None:
    """Four at a time for one offset: several may win with the same bytes, one does at least, and nobody tears anything."""
    publisher = FakePublisher()
    processes = [uploads_over(store, publisher) for store in stores]
    assert len({process.begin(STREAM, UPLOAD).created_at_ms for process in processes}) == 1
    sizes = random.Random(2)

    def part(process: Uploads, at: int, size_bytes: int) -> int | None:
        try:
            return process.append(STREAM, UPLOAD, at, [RECORDING[at : at + size_bytes]])
        except OffsetMoved:
            return None

    ends = [0]
    with ThreadPoolExecutor(4) as threads:
        while ends[-1] < len(RECORDING):
            at = ends[-1]
            wanted = [(processes[number % 2], at, sizes.randint(1, 100)) for number in range(4)]
            reached = [end for end in threads.map(lambda each: part(*each), wanted) if end is not None]
            assert reached, "nobody won"
            ends.append(processes[0].offset(STREAM, UPLOAD))
            assert durable(stores[0]) == RECORDING[: ends[-1]]
            assert max(reached) <= ends[-1]
    assert all(before < after for before, after in pairwise(ends))
    assert {type(event) for event in publisher.published} == {StreamEnded}
    assert len(set(publisher.published)) == 1


def test_clients_that_know_nothing_of_each_other_end_with_one_recording(stores: list[BlobStore]) -> None:
    publisher = FakePublisher()

    def client(number: int) -> None:
        chance = random.Random(number)
        uploads = uploads_over(stores[number % 2], publisher)
        uploads.begin(STREAM, UPLOAD)
        for _ in range(2_000):
            at = uploads.offset(STREAM, UPLOAD)
            if at == len(RECORDING):
                return
            part = RECORDING[at : at + chance.randint(1, 300)]
            try:
                uploads.append(STREAM, UPLOAD, at, (part[begin : begin + 20] for begin in range(0, len(part), 20)))
            except OffsetMoved:
                continue
        raise AssertionError("never complete")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(client, range(8)))
    assert durable(stores[0]) == RECORDING
    assert len(set(publisher.published)) == 1


def test_who_looked_before_another_began_finds_what_was_begun() -> None:
    blobs = MemoryBlobs()
    other = uploads_over(blobs, MemoryPublisher(blobs))
    read, looked = blobs.read, list[str]()

    def reading(name: str) -> bytes:
        if not looked:
            looked.append(name)
            other.begin(STREAM, UPLOAD)
            other.append(STREAM, UPLOAD, 0, [RECORDING[:50]])
            raise BlobNotFound(name)
        return read(name)

    late = uploads_over(blobs, MemoryPublisher(blobs))
    blobs.read = reading  # type: ignore[method-assign]  # the other one is faster by just this
    assert late.begin(STREAM, UPLOAD) == UPLOAD
    assert late.offset(STREAM, UPLOAD) == 50


def test_an_upload_is_listed_once_and_not_with_every_part() -> None:
    blobs = MemoryBlobs()
    uploads = uploads_over(blobs, MemoryPublisher(blobs))
    uploads.begin(STREAM, UPLOAD)
    seen: list[str] = []
    listed = blobs.list

    def noting(prefix: str, *, start_after: str = "") -> Iterator[object]:
        seen.extend(info.name for info in listed(prefix, start_after=start_after))
        return listed(prefix, start_after=start_after)

    blobs.list = noting  # type: ignore[method-assign, assignment]  # to see what is asked for
    for at in range(0, len(RECORDING), 10):
        uploads.append(STREAM, UPLOAD, at, [RECORDING[at : at + 10]])
    assert seen == []
    assert durable(blobs) == RECORDING


def test_too_many_small_parts_are_refused() -> None:
    blobs = MemoryBlobs()
    uploads = uploads_over(blobs, MemoryPublisher(blobs), max_chunks=3)
    uploads.begin(STREAM, UPLOAD)
    with pytest.raises(Problem) as caught:
        uploads.append(STREAM, UPLOAD, 0, [RECORDING])
    assert (caught.value.status, caught.value.kind) == (409, "chunk-limit")
    assert durable(blobs) == RECORDING[: 3 * PIECE]


def test_more_bytes_than_were_announced_are_never_finished() -> None:
    blobs = MemoryBlobs()
    publisher = MemoryPublisher(blobs)
    uploads = uploads_over(blobs, publisher)
    uploads.begin(STREAM, UPLOAD)
    with pytest.raises(RecordingDiffers, match="more bytes"):
        uploads.append(STREAM, UPLOAD, 0, [RECORDING + b"x"])
    assert publisher.events == []


def test_a_damaged_description_is_named() -> None:
    blobs = MemoryBlobs()
    uploads = uploads_over(blobs, MemoryPublisher(blobs))
    blobs.create(Intake.objects(uploads._intake, "t", "c1").upload, b"{")
    with pytest.raises(Permanent, match=r"upload\.json"):
        uploads.find("t", "c1")


def test_tenants_do_not_meet() -> None:
    blobs = MemoryBlobs()
    uploads = uploads_over(blobs, MemoryPublisher(blobs))
    uploads.begin(STREAM, UPLOAD)
    assert uploads.find("t", "c1") == UPLOAD
    assert uploads.find("u", "c1") is None
