"""No tenant's ids lead to another tenant's data, however the ids are chosen: in what things are called, and over the routes."""

import inspect
import secrets
from collections.abc import Iterator
from pathlib import Path

import fakeredis
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from hypothesis import given, settings
from hypothesis import strategies as st

from common.adapters.embedded.sqlite_streams import SqliteStreamRegistry
from common.adapters.embedded.sqlite_transcripts import SqliteTranscriptStore
from common.adapters.google.firestore_streams import FirestoreStreamRegistry
from common.adapters.google.firestore_tokens import FirestoreTokenStore
from common.adapters.google.firestore_transcripts import FirestoreTranscriptStore
from common.ids import InvalidId, checked_id
from common.object_names import ConnectionObjects, dead_letter, dead_letter_id, dead_letters_prefix
from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import SegmentTranscript
from segmenter_service.mailbox import Mailbox, Scripts
from tests.ingest_service.owners import Owner, owners_of_two_tenants, with_every_joint

TWO = owners_of_two_tenants()
LETTER = dead_letter_id(5, b"the same message")


def names_of(owner: Owner) -> set[str]:
    """Every name that an object of the connection, and a dead letter of its tenant, can have."""
    objects = ConnectionObjects(owner.tenant, owner.connection_id)
    made = {
        "chunk": objects.chunk(0),
        "speakers": objects.speakers(5, "0f"),
        "quarantine": objects.quarantine("0"),
        "fault": objects.fault("0"),
        "final_segment": objects.final_segment(0, 0),
        "segment_event": objects.segment_event(0, 0, b"event"),
        "relabellings_of": objects.relabellings_of(0, 0),
        "relabelling": objects.relabelling(0, 0, 0),
        "provisional_segment": objects.provisional_segment(0, 0, 0),
        "gap": objects.gap(0),
        "anchor": objects.anchor(0),
        "checkpoint": objects.checkpoint(0),
    }
    members = {name: getattr(objects, name) for name in dir(objects) if not name.startswith("_")}
    assert {name for name, member in members.items() if inspect.ismethod(member)} == made.keys(), (
        "a name that is not looked at"
    )
    plain = {member for name, member in members.items() if isinstance(member, str) and name not in FIELDS}
    return {*plain, *made.values(), dead_letter("raw", owner.tenant, LETTER)}


FIELDS = {"tenant", "connection_id", "raw_root", "segments_root"}


def prefixes_of(owner: Owner) -> set[str]:
    """Everything that is listed of the connection, or of the tenant."""
    names = names_of(owner)
    return {name for name in names if name.endswith("/")} | {dead_letters_prefix("raw", owner.tenant)}


@with_every_joint
@given(TWO)
def test_no_object_is_called_or_listed_like_another_tenants(two: tuple[Owner, Owner]) -> None:
    one, other = two
    assert not names_of(one) & names_of(other)
    for listed, named in ((one, other), (other, one)):
        for prefix in prefixes_of(listed):
            assert [name for name in names_of(named) if name.startswith(prefix)] == []


def redis_keys(owner: Owner) -> set[bytes]:
    """The keys that a used mailbox leaves in Redis."""
    redis = fakeredis.FakeRedis()
    mailbox = Mailbox(redis, Scripts(redis), owner.tenant, owner.connection_id, ttl_ms=60_000)
    lease = mailbox.take(b"c", b"1")
    assert lease is not None
    lease.commit(b"state", [], swept=True)
    return set(redis.keys())


@with_every_joint
@settings(max_examples=25, deadline=None)
@given(TWO)
def test_no_key_in_redis_is_another_tenants(two: tuple[Owner, Owner]) -> None:
    one, other = map(redis_keys, two)
    assert len(one) == len(other) == 5
    assert not one & other


@pytest.fixture(scope="module")
def client() -> firestore.Client:
    """Speaks to nobody: only paths are asked for."""
    return firestore.Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]


def paths_and_fields(client: firestore.Client, owner: Owner) -> set[str]:
    """The documents of what belongs to the owner, and the values by which they are queried."""
    streams, transcripts = FirestoreStreamRegistry(client), FirestoreTranscriptStore(client)
    segment_id = f"{owner.connection_id}:0:0"
    return {
        streams._document(owner.tenant, owner.connection_id).path,
        transcripts._document(owner.tenant, owner.meeting_id, segment_id).path,
        "/".join(transcripts._segments(owner.tenant, owner.meeting_id)._path),
        *queried(client, owner),
    }


def queried(client: firestore.Client, owner: Owner) -> Iterator[str]:
    class Asked(Exception):
        pass

    class Query:
        def where(self, *, filter: object) -> "Query":  # noqa: A002 -- Firestore's name
            raise Asked(filter.value)  # type: ignore[attr-defined]  # a FieldFilter

    streams, tokens = FirestoreStreamRegistry(client), FirestoreTokenStore(client)
    streams._streams, tokens._tokens = Query(), Query()
    for ask in (
        lambda: streams.of_meeting(owner.tenant, owner.meeting_id),
        lambda: tokens.of_tenant(owner.tenant),
        lambda: tokens.by_id(owner.tenant, owner.connection_id),
        lambda: tokens.of_user(owner.tenant, owner.connection_id),
    ):
        with pytest.raises(Asked) as asked:
            ask()
        yield str(asked.value)


@with_every_joint
@given(TWO)
def test_no_document_in_firestore_is_another_tenants(client: firestore.Client, two: tuple[Owner, Owner]) -> None:
    one, other = (paths_and_fields(client, owner) for owner in two)
    assert not one & other


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("databases")


def segment(owner: Owner) -> SegmentTranscript:
    return SegmentTranscript(
        tenant=owner.tenant,
        meeting_id=owner.meeting_id,
        connection_id=owner.connection_id,
        segment_id=f"{owner.connection_id}:0:0",
        channel=0,
        revision=0,
        final=True,
        start_ms=0,
        end_ms=1,
        epoch_offset_ms=0,
        language="en",
        words=(),
    )


@with_every_joint
@settings(max_examples=15, deadline=None)
@given(TWO)
def test_no_row_in_sqlite_is_another_tenants(folder: Path, two: tuple[Owner, Owner]) -> None:
    """Whatever of the one is in the database, the other finds nothing, and its own beside it afterwards."""
    one, other = two
    name = secrets.token_hex(8)  # an example may be tried twice
    streams, transcripts = (
        SqliteStreamRegistry(folder / f"{name}.streams"),
        SqliteTranscriptStore(folder / f"{name}.transcripts"),
    )
    for owner, others in ((one, ()), (other, (one,))):
        assert streams.get(owner.tenant, owner.connection_id) is None
        assert streams.of_meeting(owner.tenant, owner.meeting_id) == []
        assert transcripts.segments(owner.tenant, owner.meeting_id) == []
        opened = StreamRecord(
            tenant=owner.tenant, meeting_id=owner.meeting_id, connection_id=owner.connection_id, opened_at_ms=1
        )
        streams.open(opened)
        transcripts.put(segment(owner))
        for each in (owner, *others):
            found = streams.get(each.tenant, each.connection_id)
            assert found is not None
            assert (found.tenant, found.meeting_id) == (each.tenant, each.meeting_id)
            assert transcripts.segments(each.tenant, each.meeting_id) == [segment(each)]
    streams.close_file()
    transcripts.close()


@given(st.text(min_size=1, max_size=20))
def test_nothing_but_an_id_names_a_tenant_or_a_connection(value: str) -> None:
    """What could leave its folder, or join with its neighbour, is no id."""
    try:
        checked_id(value, "tenant")
    except InvalidId:
        return
    assert not set(value) & set("/:{}")
    assert not value.startswith(".")
