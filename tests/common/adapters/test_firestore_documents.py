"""What lies in Firestore, and who wins when many write at once."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.cloud import firestore

import common
from common.adapters.google.firestore_deliveries import FirestoreDeliveryStore
from common.adapters.google.firestore_meetings import FirestoreMeetingStore
from common.adapters.google.firestore_streams import FirestoreStreamRegistry
from common.adapters.google.firestore_tokens import FirestoreTokenStore
from common.adapters.google.firestore_transcripts import FirestoreTranscriptStore
from common.ports.delivery_store import Delivery
from common.ports.stream_registry import StreamRecord, StreamSummary
from common.ports.token_store import ALL_SCOPES, TokenRecord, hash_of
from common.ports.transcript_store import SegmentTranscript, Stored, Word
from local_cloud.emulators import PROJECT

pytestmark = [pytest.mark.component("emulators"), pytest.mark.usefixtures("empty_emulators")]

INDEXES = json.loads((Path(common.__file__).parent / "firestore_indexes.json").read_text())
RECORD = StreamRecord(tenant="default", meeting_id="m1", connection_id="c1", opened_at_ms=1)
TOKEN = TokenRecord(
    token_id="t1", token_hash=hash_of("secret"), tenant="default", scopes=ALL_SCOPES, enabled=True, created_at_ms=1
)
SUMMARY = StreamSummary(closed_at_ms=9, chunks=0, audio_ms=0, segments=3, segment_ms=0, silence_skipped_ms=0)


@pytest.fixture
def client() -> Iterator[firestore.Client]:
    with closing(firestore.Client(project=PROJECT)) as opened:
        yield opened


def segment(revision: int, *, final: bool = False) -> SegmentTranscript:
    return SegmentTranscript(
        tenant="default",
        meeting_id="m1",
        connection_id="c1",
        segment_id="c1:0:500",
        channel=0,
        revision=revision,
        final=final,
        start_ms=500,
        end_ms=1500,
        epoch_offset_ms=1_700_000_000_000,
        language="de",
        words=(Word("Grüß", 500, 700, 0.9, "Änne"), Word("Gott", 700, 900, 0.8)),
    )


def stream_document(client: firestore.Client) -> dict[str, Any]:
    fields = client.document("streams/default:c1").get(timeout=10).to_dict()
    assert fields is not None
    return fields


def token_document(client: firestore.Client) -> dict[str, Any]:
    fields = client.document(f"tokens/{TOKEN.token_hash}").get(timeout=10).to_dict()
    assert fields is not None
    return fields


def segment_document(client: firestore.Client) -> dict[str, Any]:
    return client.document("tenants/default/meetings/m1/segments/c1:0:500").get(timeout=10).to_dict() or {}


def test_who_looks_into_the_database_can_read_a_segment(client: firestore.Client) -> None:
    FirestoreTranscriptStore(client).put(segment(3, final=True))
    fields = segment_document(client)
    stored = json.loads(fields["segment"])
    assert [word["text"] for word in stored["words"]] == ["Grüß", "Gott"]
    assert (stored["final"], stored["revision"], stored["language"], stored["start_ms"]) == (True, 3, "de", 500)


def test_a_final_segment_is_found_by_its_words_and_their_beginnings(client: firestore.Client) -> None:
    store = FirestoreTranscriptStore(client)
    store.put(segment(2))
    assert segment_document(client)["terms"] == []
    store.put(segment(3, final=True))
    assert segment_document(client)["terms"] == [f"default/{term}" for term in ("got", "gott", "gru", "grus", "gruss")]
    store.delete_segment("default", "m1", "c1:0:500")
    assert segment_document(client).keys() & {"terms", "start_epoch_ms"} == set()


def test_the_fields_without_an_index_are_those_that_are_written_and_asked_for_by_no_query(
    client: firestore.Client,
) -> None:
    FirestoreTranscriptStore(client).put(segment(0))
    FirestoreMeetingStore(client).open("default", "m1", 1)
    registry = FirestoreStreamRegistry(client)
    registry.open(RECORD)
    registry.close("default", "c1", SUMMARY)
    FirestoreTokenStore(client).put(TOKEN)
    written = {
        "segments": segment_document(client),
        "meetings": client.document("tenants/default/meetings/m1").get(timeout=10).to_dict() or {},
        "streams": stream_document(client),
        "tokens": token_document(client),
    }
    unindexed = INDEXES["unindexed_fields"]
    assert written.keys() <= unindexed.keys()
    for collection, document in written.items():
        assert set(unindexed[collection]) <= document.keys()
    assert not {"meeting", "open_as", "due_ms"} & set(unindexed["streams"])


def test_the_one_index_over_two_fields_is_that_of_the_search() -> None:
    (search,) = INDEXES["composite_indexes"]
    assert (search["collection"], search["query_scope"]) == ("segments", "COLLECTION_GROUP")
    fields = [each["field_path"] for each in search["fields"]]
    assert fields == ["terms", "start_epoch_ms"]
    assert set(fields) <= set(INDEXES["unindexed_fields"]["segments"]), "nothing asks for either alone"


def test_a_stream_is_in_the_index_of_a_query_only_while_it_belongs_to_its_answer(client: firestore.Client) -> None:
    registry = FirestoreStreamRegistry(client)
    registry.open(RECORD)
    assert stream_document(client).keys() & {"open_as", "due_ms"} == {"open_as"}
    registry.close("default", "c1", SUMMARY)
    assert stream_document(client).keys() & {"open_as", "due_ms"} == {"due_ms"}
    registry.look_again(msgspec.structs.replace(RECORD, summary=SUMMARY), None)
    assert stream_document(client).keys() & {"open_as", "due_ms"} == set()


def test_an_open_stream_is_never_due(client: firestore.Client) -> None:
    registry = FirestoreStreamRegistry(client)
    registry.open(RECORD)
    registry.look_again(RECORD, 5)
    assert registry.unsettled(due_ms=99, limit=9) == []
    assert registry.open_streams(limit=9) == [RECORD]


def test_what_is_due_at_the_same_time_comes_in_the_same_order(client: firestore.Client) -> None:
    registry = FirestoreStreamRegistry(client)
    for connection_id in ("b", "c", "a"):
        registry.open(msgspec.structs.replace(RECORD, connection_id=connection_id, summary=SUMMARY))
    assert [each.connection_id for each in registry.unsettled(due_ms=9, limit=2)] == ["a", "b"]
    assert [each.connection_id for each in registry.unsettled(due_ms=9, limit=9)] == ["a", "b", "c"]


def test_an_account_that_comes_while_an_earlier_one_is_being_settled_stays_due(
    client: firestore.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = FirestoreStreamRegistry(client)
    registry.open(RECORD)
    registry.close("default", "c1", SUMMARY)
    later = msgspec.structs.replace(SUMMARY, closed_at_ms=20, segments=4)
    write_option = client.write_option

    def after_another_account(**options: Any) -> Any:
        """Between reading and writing."""
        monkeypatch.undo()
        registry.close("default", "c1", later)
        return write_option(**options)

    monkeypatch.setattr(client, "write_option", after_another_account)
    registry.look_again(msgspec.structs.replace(RECORD, summary=SUMMARY), None)
    assert registry.unsettled(due_ms=20, limit=9) == [msgspec.structs.replace(RECORD, summary=later)]


@pytest.mark.parametrize(
    ("between", "outcome", "stays"),
    [
        (lambda store: store.put(segment(1, final=True)), Stored.SUPERSEDED, segment(1, final=True)),
        (lambda store: store.put(segment(4)), Stored.STORED, segment(5)),
        (lambda store: store.delete_segment("default", "m1", "c1:0:500"), Stored.STORED, segment(5)),
    ],
    ids=["a better revision", "a worse revision", "a deletion"],
)
def test_who_was_overtaken_between_reading_and_writing_decides_again(
    client: firestore.Client,
    monkeypatch: pytest.MonkeyPatch,
    between: Callable[[FirestoreTranscriptStore], object],
    outcome: Stored,
    stays: SegmentTranscript,
) -> None:
    store = FirestoreTranscriptStore(client)
    store.put(segment(0))
    write_option = client.write_option

    def after_another_writer(**options: Any) -> Any:
        monkeypatch.undo()
        between(store)
        return write_option(**options)

    monkeypatch.setattr(client, "write_option", after_another_writer)
    assert store.put(segment(5)) is outcome
    assert store.segments("default", "m1") == [stays]


def test_of_many_writers_the_best_revision_stays_and_knows_it(client: firestore.Client) -> None:
    store = FirestoreTranscriptStore(client)
    revisions = [segment(revision, final=revision == 3) for revision in range(8)]
    together = threading.Barrier(len(revisions))

    def put(each: SegmentTranscript) -> Stored:
        together.wait(30)
        return store.put(each)

    with ThreadPoolExecutor(len(revisions)) as writers:
        outcomes = list(writers.map(put, revisions))
    assert store.segments("default", "m1") == [segment(3, final=True)]
    assert outcomes[3] is Stored.STORED, "the final one beats every provisional"
    assert store.put(segment(99)) is Stored.SUPERSEDED
    assert [store.put(each) for each in revisions] == [Stored.SUPERSEDED] * len(revisions)


def test_a_delivery_says_when_firestore_may_delete_it_only_while_it_has_ended(client: firestore.Client) -> None:
    store = FirestoreDeliveryStore(client)
    waiting = Delivery(
        tenant="default",
        receiver="engine",
        subject="s1",
        type="transcript.segment",
        meeting_id="m1",
        connection_id="c1",
        rank=1,
        message_id="msg_1",
        happened_at_ms=1,
        since_ms=1,
        due_ms=5,
    )
    ended = msgspec.structs.replace(waiting, due_ms=None, outcome="delivered", expires_ms=1_700_000_000_123)
    for delivery in (waiting, ended, waiting):
        store.change("default", "engine", "s1", lambda _, new=delivery: new)  # type: ignore[misc]
        (document,) = client.collection("deliveries").get(timeout=10)
        expires_at = (document.to_dict() or {}).get("expires_at")
        assert (expires_at and round(expires_at.timestamp() * 1000)) == delivery.expires_ms
