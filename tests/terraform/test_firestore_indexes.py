"""Each query of the Firestore stores has the indexes that it needs in `common/firestore_indexes.json`, and no field is indexed for nothing.

The emulator answers every query, indexed or not; in production one without its index is refused. So the queries are taken as the
stores would send them, and what Firestore asks for is worked out here.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

import common
from common.adapters.google.firestore_deliveries import FirestoreDeliveryStore
from common.adapters.google.firestore_meetings import FirestoreMeetingStore
from common.adapters.google.firestore_streams import FirestoreStreamRegistry
from common.adapters.google.firestore_tokens import FirestoreTokenStore
from common.adapters.google.firestore_transcripts import FirestoreTranscriptStore
from common.adapters.google.firestore_webhooks import FirestoreWebhookStore
from common.adapters.google.firestore_work import FirestoreWorkStore
from common.ports.delivery_store import Delivery
from common.ports.stream_registry import StreamRecord, StreamSummary
from common.ports.token_store import ALL_SCOPES, TokenRecord
from common.ports.transcript_store import SegmentTranscript, Word
from common.ports.webhook_store import Webhook
from common.ports.work_store import Work
from common.search_words import query_of
from tests.terraform.recorded_firestore import Asked, RecordedFirestore, functions_that_make_queries

INDEXES: Final[dict[str, Any]] = json.loads((Path(common.__file__).parent / "firestore_indexes.json").read_text())


def missing(asked: Asked, indexes: dict[str, Any]) -> str:
    """Which index `asked` lacks; empty when it has all."""
    names = {name for name, _ in (*asked.equal, *asked.ordered)}
    if len(names) > 1 and asked.ordered:
        made = [
            Asked(
                index["collection"],
                index["query_scope"],
                frozenset(
                    (e["field_path"], e.get("array_config", "EQUAL")) for e in index["fields"][: len(asked.equal)]
                ),
                tuple((e["field_path"], e.get("order", "")) for e in index["fields"][len(asked.equal) :]),
            )
            for index in indexes["composite_indexes"]
        ]
        return "" if asked in made else f"a composite index over {sorted(names)} of {asked.collection}"
    if asked.scope != "COLLECTION" and names:
        return f"an index of {sorted(names)} over all collections {asked.collection}: Firestore makes none by itself"
    taken = names & set(indexes["unindexed_fields"].get(asked.collection, ()))
    return f"the indexes of {sorted(taken)} of {asked.collection}, which the file takes away" if taken else ""


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> RecordedFirestore:
    return RecordedFirestore(monkeypatch)


@pytest.fixture
def client() -> Iterator[firestore.Client]:
    with closing(firestore.Client(project="a-project", credentials=AnonymousCredentials())) as opened:  # type: ignore[no-untyped-call]
        yield opened


def ask_everything(client: firestore.Client) -> None:
    """Call every method of the stores that makes a query."""
    transcripts = FirestoreTranscriptStore(client)
    transcripts.segments("default", "m1")
    transcripts.changes("default", "m1", after="")
    transcripts.changes("default", "m1", after="1700000000000000")
    transcripts.search("default", query_of("good morning"), limit=5)
    transcripts.delete_meeting("default", "m1")
    meetings = FirestoreMeetingStore(client)
    meetings.page("default", limit=5)
    meetings.opened_before("default", 9, limit=5)
    streams = FirestoreStreamRegistry(client)
    streams.of_meeting("default", "m1")
    streams.of_meetings("default", ["m1", "m2"])
    streams.open_streams(limit=5)
    streams.open_streams(limit=5, start_after="default/c1")
    streams.unsettled(due_ms=9, limit=5)
    FirestoreWorkStore(client).due(now_ms=9, limit=5)
    tokens = FirestoreTokenStore(client)
    tokens.by_id("default", "t1")
    tokens.of_tenant("default")
    tokens.of_user("default", "u1")
    FirestoreWebhookStore(client).of_tenant("default")
    deliveries = FirestoreDeliveryStore(client)
    deliveries.due("default", "engine", 9, limit=5)
    deliveries.receivers_due(9, limit=5)
    deliveries.forget_expired(9, limit=5)
    deliveries.forget_receiver("default", "w1")


def write_everything(client: firestore.Client) -> None:
    """Store one of each, with every field that its document may have."""
    FirestoreTranscriptStore(client).put(
        SegmentTranscript(
            tenant="default",
            meeting_id="m1",
            connection_id="c1",
            segment_id="c1:0:500",
            channel=0,
            revision=1,
            final=True,
            start_ms=500,
            end_ms=1500,
            epoch_offset_ms=1_700_000_000_000,
            language="en",
            words=(Word("Morning", 500, 700, 0.9, "Ann"),),
        )
    )
    FirestoreMeetingStore(client).open("default", "m1", 1)
    registry = FirestoreStreamRegistry(client)
    summary = StreamSummary(closed_at_ms=9, chunks=0, audio_ms=0, segments=3, segment_ms=0, silence_skipped_ms=0)
    record = StreamRecord(tenant="default", meeting_id="m1", connection_id="c1", opened_at_ms=1)
    registry.open(record)
    registry.open(msgspec.structs.replace(record, connection_id="c2", summary=summary))
    FirestoreTokenStore(client).put(
        TokenRecord(
            token_id="t1", token_hash="0" * 64, tenant="default", scopes=ALL_SCOPES, enabled=True, created_at_ms=1
        )
    )
    FirestoreWebhookStore(client).create(
        Webhook(
            tenant="default",
            webhook_id="w1",
            url="https://receiver.example",
            events=(),
            created_at_ms=1,
            secret="whsec_dGVzdA==",
        )
    )
    FirestoreWorkStore(client).add(
        Work(tenant="default", work_id="deletion:m1", kind="deletion", due_ms=1, content=msgspec.Raw(b"{}"))
    )
    for due_ms, expires_ms in ((5, None), (None, 9)):
        delivery = Delivery(
            tenant="default",
            receiver="engine",
            subject="transcript.segment:c1:0:500",
            type="transcript.segment",
            meeting_id="m1",
            connection_id="c1",
            rank=1,
            message_id="msg_1",
            happened_at_ms=1,
            since_ms=1,
            due_ms=due_ms,
            expires_ms=expires_ms,
        )
        FirestoreDeliveryStore(client).change(
            "default",
            "engine",
            delivery.subject,
            lambda _, new=delivery: new,  # type: ignore[misc]
        )


def test_every_query_has_the_indexes_that_it_needs(database: RecordedFirestore, client: firestore.Client) -> None:
    ask_everything(client)
    assert {asked: lack for asked in database.queries if (lack := missing(asked, INDEXES))} == {}


def test_no_query_of_the_stores_was_left_out(database: RecordedFirestore, client: firestore.Client) -> None:
    ask_everything(client)
    assert database.builders == set(functions_that_make_queries())


def test_the_search_would_be_refused_without_its_index(database: RecordedFirestore, client: firestore.Client) -> None:
    FirestoreTranscriptStore(client).search("default", query_of("good morning"), limit=5)
    (asked,) = database.queries
    assert asked == Asked(
        "segments", "COLLECTION_GROUP", frozenset({("terms", "CONTAINS")}), (("start_epoch_ms", "DESCENDING"),)
    )
    (index,) = INDEXES["composite_indexes"]
    others: list[dict[str, Any]] = [
        {"query_scope": "COLLECTION"},
        {"collection": "meetings"},
        {"fields": [index["fields"][0], index["fields"][1] | {"order": "ASCENDING"}]},
        {"fields": index["fields"][::-1]},
    ]
    for other in others:
        assert missing(asked, INDEXES | {"composite_indexes": [index | other]})


def test_a_field_that_a_query_asks_for_must_keep_its_index(
    database: RecordedFirestore, client: firestore.Client
) -> None:
    FirestoreWorkStore(client).due(now_ms=9, limit=5)
    (asked,) = database.queries
    assert not missing(asked, INDEXES)
    assert missing(asked, INDEXES | {"unindexed_fields": {"work": ["work", "due_ms"]}})


def test_no_field_is_indexed_that_no_query_asks_for(database: RecordedFirestore, client: firestore.Client) -> None:
    write_everything(client)
    ask_everything(client)
    wanted: dict[str, set[str]] = {}
    for asked in database.queries:
        names = {name for name, _ in (*asked.equal, *asked.ordered)}
        if len(names) == 1:
            wanted.setdefault(asked.collection, set()).update(names)
    for name, fields in database.written.items():
        expiry = {INDEXES["ttl_fields"][name]} if name in INDEXES["ttl_fields"] else set()
        assert fields - wanted.get(name, set()) == set(INDEXES["unindexed_fields"][name]) | expiry, name


def test_what_firestore_deletes_by_is_a_time_and_only_on_what_has_ended(
    database: RecordedFirestore, client: firestore.Client
) -> None:
    write_everything(client)
    assert INDEXES["ttl_fields"] == {"deliveries": "expires_at"}
    waiting, ended = (fields for name, fields in database.documents if name == "deliveries")
    assert waiting.keys() & {"due_as", "expires_at"} == {"due_as"}
    assert ended.keys() & {"due_as", "expires_at"} == {"expires_at"}
    assert ended["expires_at"] == datetime.fromtimestamp(0.009, UTC)
