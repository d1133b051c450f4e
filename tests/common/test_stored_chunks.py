import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Permanent
from common.events import Activity, ChunkStored, SpeakersObserved, StreamEnded, StreamOptions
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobInfo
from common.stored_chunks import (
    StreamDescription,
    chunk_metadata,
    claim_metadata,
    claimed_at_ms,
    describe_stream,
    event_content,
    event_of_chunk,
    event_of_content,
    stream_description,
)

OBJECTS = ConnectionObjects("default", "c1")
OPTIONS = st.builds(
    StreamOptions,
    content_type=st.text(max_size=40),
    source=st.text(max_size=10),
    language=st.sampled_from(["", "en", "pt-BR"]),
    channels=st.sampled_from(["mix", "separate"]),
    channel_speakers=st.lists(st.text(max_size=20), max_size=3).map(tuple),
)
CHUNKS = st.builds(
    lambda seq, size, captured, options: ChunkStored(
        tenant="default",
        meeting_id="m1",
        connection_id="c1",
        seq=seq,
        object_name=OBJECTS.chunk(seq),
        size_bytes=size,
        captured_at_ms=captured,
        options=options,
    ),
    st.integers(0, 99_999_999),
    st.integers(0, 2**25),
    st.integers(0, 10**14),
    OPTIONS,
)


@given(CHUNKS)
def test_a_listing_rebuilds_the_chunks_event(event: ChunkStored) -> None:
    listed = BlobInfo(event.object_name, event.size_bytes, chunk_metadata(event))
    assert event_of_chunk("default", "c1", listed) == event


@pytest.mark.parametrize(
    "damage",
    [
        {"meeting_id": None},
        {"captured_at_ms": "soon"},
        {"captured_at_ms": "17" + "0" * 60},
        {"captured_at_ms": None},
        {"options": "{"},
        {"options": "[" * 100_000},
        {"options": '{"volume":11}'},
    ],
)
def test_damaged_metadata_is_permanent(damage: dict[str, str | None]) -> None:
    whole = {"meeting_id": "m1", "captured_at_ms": "5", "options": "{}"}
    metadata = {key: value for key, value in (whole | damage).items() if value is not None}
    with pytest.raises(Permanent, match="metadata of a chunk"):
        event_of_chunk("default", "c1", BlobInfo(OBJECTS.chunk(0), 3, metadata))


def test_a_name_without_seq_is_permanent() -> None:
    metadata = {"meeting_id": "m1", "captured_at_ms": "5", "options": "{}"}
    with pytest.raises(Permanent, match="seq of 8 digits"):
        event_of_chunk("default", "c1", BlobInfo(OBJECTS.stream, 3, metadata))


@given(st.none() | OPTIONS)
def test_a_description_comes_back(options: StreamOptions | None) -> None:
    description = StreamDescription("m1", options)
    assert stream_description(describe_stream(description)) == description


def test_stored_events_come_back() -> None:
    observed = SpeakersObserved(
        tenant="default",
        meeting_id="m1",
        connection_id="c1",
        observation_id="ab",
        object_name=OBJECTS.speakers(1000, "ab"),
        clock="stream",
        covered_from_ms=0,
        covered_to_ms=1000,
        activities=(Activity("Ann", 0, 300),),
    )
    ended = StreamEnded(tenant="default", meeting_id="m1", connection_id="c1", last_seq=4, object_name=OBJECTS.end)
    assert event_of_content(event_content(observed), SpeakersObserved) == observed
    assert event_of_content(event_content(ended), StreamEnded) == ended


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b"[" * 100_000])
def test_damaged_content_is_permanent(content: bytes) -> None:
    with pytest.raises(Permanent, match=r"stored turnscribe\.stream\.ended"):
        event_of_content(content, StreamEnded)
    with pytest.raises(Permanent, match=r"stream\.json"):
        stream_description(content)


@given(st.integers(0, 2**53))
def test_when_a_connection_was_claimed_comes_back(now_ms: int) -> None:
    assert claimed_at_ms(BlobInfo(OBJECTS.unregistered, 0, claim_metadata(now_ms))) == now_ms


@pytest.mark.parametrize("metadata", [{}, {"claimed_at_ms": "yesterday"}])
def test_damaged_metadata_of_a_claim_is_named(metadata: dict[str, str]) -> None:
    with pytest.raises(Permanent, match="unregistered connection"):
        claimed_at_ms(BlobInfo(OBJECTS.unregistered, 0, metadata))
