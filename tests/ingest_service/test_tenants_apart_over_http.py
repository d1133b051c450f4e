"""Whatever one tenant asks with another one's ids, over the real routes of ingest and transcribe: it gets its own, or nothing."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from werkzeug.test import TestResponse

from common.dead_letters import DeadLetters, as_dead_letter
from common.errors import Retryable
from common.events import ChunkStored, StreamOptions, to_message
from common.object_names import ConnectionObjects
from common.ports.stream_registry import StreamRecord
from common.ports.token_store import ALL_SCOPES, TokenRecord, hash_of
from common.ports.transcript_store import SegmentTranscript, Word
from common.stored_tokens import stored_tokens
from tests.ingest_service.fakes import Ingest
from tests.ingest_service.owners import Owner, owners_of_two_tenants, with_every_joint
from tests.ingest_service.test_tenants_apart import segment
from tests.transcribe_service.fakes import World
from transcribe_service.app import create_app as create_transcribe

WEBM = b"\x1aE\xdf\xa3 and the rest of "
TUS = {"Tus-Resumable": "1.0.0"}


class Services:
    """Ingest and transcribe over the same ports in memory, with a token of each tenant that may do everything."""

    def __init__(self, *owners: Owner) -> None:
        self.ingest = Ingest()
        self.world = World()
        self.world.blobs = self.ingest.blobs  # type: ignore[assignment]  # the same port
        self.store = self.ingest.token_store
        for owner in owners:
            self.store.put(
                TokenRecord(
                    token_id=owner.connection_id,
                    token_hash=hash_of(token_of(owner)),
                    tenant=owner.tenant,
                    scopes=ALL_SCOPES,
                    enabled=True,
                    created_at_ms=1,
                )
            )
        tokens = stored_tokens(self.ingest.settings, self.store, self.ingest.clock)
        self.transcribe: FlaskClient = create_transcribe(replace(self.world.deps(), tokens=tokens)).test_client()

    def ask(
        self,
        who: Owner,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Whichever service has the path answers."""
        of_transcribe = path.startswith(("/v1/meetings", "/v1/search", "/v1/deadletters"))
        client = self.transcribe if of_transcribe else self.ingest.client
        sent = {"Authorization": f"Bearer {token_of(who)}", "Content-Type": "audio/webm", **(headers or {})}
        return client.open(path, method=method, data=body, headers=sent)

    def state(self) -> dict[object, object]:
        """Everything that is stored."""
        return {
            **self.ingest.blobs.objects,
            **self.world.transcripts.stored,
            **self.world.streams.records,
            **{("meeting", *key): meeting for key, meeting in self.world.meetings.stored.items()},
            **self.store.records,
        }


def token_of(owner: Owner) -> str:
    return f"token of {owner.tenant}"


@dataclass(frozen=True)
class Has:
    """What a tenant has, by the ids that the other one tries."""

    owner: Owner
    upload: str
    letter_id: str


def replace_words(spoken: SegmentTranscript, *words: Word) -> SegmentTranscript:
    return msgspec.structs.replace(spoken, words=words)


def fill(services: Services, owner: Owner) -> Has:
    """A stream that has everything, a recording, a half upload, a transcript and a dead letter."""
    stream, meeting = f"/v1/streams/{owner.connection_id}", f"?meeting_id={owner.meeting_id}"
    bytes_ = WEBM + owner.tenant.encode()
    mask = b'{"ts_ms": 1700000000000, "bit_ms": 100, "masks": [["Ada", "01"]]}'
    assert services.ask(owner, "PUT", f"{stream}/chunks/0{meeting}", bytes_).status_code == 201
    assert services.ask(owner, "POST", f"{stream}/speakers{meeting}", mask).status_code == 201
    assert services.ask(owner, "POST", f"{stream}/end{meeting}", b'{"last_seq": 0}').status_code == 200
    upload = f"{owner.connection_id}-u"[-128:]
    said = ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}"
        for name, value in (("connection_id", upload), ("meeting_id", owner.meeting_id), ("filetype", "audio/webm"))
    )
    begun = {**TUS, "Upload-Length": "100", "Upload-Metadata": said}
    assert services.ask(owner, "POST", "/v1/uploads", headers=begun).status_code == 201
    services.world.streams.open(
        StreamRecord(
            tenant=owner.tenant, meeting_id=owner.meeting_id, connection_id=owner.connection_id, opened_at_ms=1
        )
    )
    services.world.meetings.open(owner.tenant, owner.meeting_id, 1)
    named = b'{"title": "of %s"}' % owner.tenant.encode()
    assert services.ask(owner, "PATCH", f"/v1/meetings/{owner.meeting_id}", named).status_code == 200
    services.world.transcripts.put(replace_words(segment(owner), Word("said", 0, 1, 0.5)))
    audio = ConnectionObjects(owner.tenant, owner.connection_id).final_segment(0, 0)
    services.ingest.blobs.create(audio, b"fLaC" + owner.tenant.encode())
    event = ChunkStored(
        tenant=owner.tenant,
        meeting_id=owner.meeting_id,
        connection_id=owner.connection_id,
        seq=0,
        object_name="o",
        size_bytes=1,
        captured_at_ms=1,
        options=StreamOptions(),
    )
    message = to_message(event, source="/test", now_ms=1)
    letter = as_dead_letter(message, message_id="1", subscription="s", died_at_ms=1)
    letters = DeadLetters(services.ingest.blobs, "raw")
    letter_id = letters.keep(event, letter, Retryable("no", reason="test"), published_ms=1)
    return Has(owner, upload, letter_id)


def views(services: Services, who: Owner, has: Has) -> list[tuple[int, bytes]]:
    """What `who` gets to see under the ids of `has`."""
    owner = has.owner
    paths = (
        f"/v1/streams/{owner.connection_id}",
        "/v1/meetings",
        f"/v1/meetings/{owner.meeting_id}",
        f"/v1/meetings/{owner.meeting_id}/transcript",
        f"/v1/meetings/{owner.meeting_id}/segments/{owner.connection_id}:0:0/audio",
        "/v1/search?q=said",
        "/v1/deadletters",
        f"/v1/deadletters/{has.letter_id}",
        "/v1/tokens",
    )
    answers = [services.ask(who, "GET", path) for path in paths]
    answers.append(services.ask(who, "HEAD", f"/v1/uploads/{has.upload}", headers=TUS))
    return [(answer.status_code, answer.data) for answer in answers]


@with_every_joint
@settings(max_examples=25, deadline=None)
@given(owners_of_two_tenants())
def test_who_has_nothing_is_shown_nothing_and_changes_nothing(two: tuple[Owner, Owner]) -> None:
    one, other = two
    services = Services(one, other)
    has = fill(services, one)
    before, seen = services.state(), views(services, one, has)
    assert [status for status, _ in seen] == [200] * 10

    stream, meeting, letter, upload, token = (
        services.ask(other, *asked)
        for asked in (
            ("GET", f"/v1/streams/{one.connection_id}"),
            ("GET", f"/v1/meetings/{one.meeting_id}"),
            ("GET", f"/v1/deadletters/{has.letter_id}"),
            ("HEAD", f"/v1/uploads/{has.upload}", None, TUS),
            ("POST", f"/v1/tokens/{one.connection_id}/disable")
            if one.connection_id != other.connection_id
            else ("POST", "/v1/tokens/none/disable"),
        )
    )
    assert {answer.status_code for answer in (stream, meeting, letter, upload, token)} == {404}
    assert services.ask(other, "GET", f"/v1/meetings/{one.meeting_id}/transcript").status_code == 404
    assert services.ask(other, "PATCH", f"/v1/meetings/{one.meeting_id}", b'{"title": "mine"}').status_code == 404
    assert services.ask(other, "GET", "/v1/meetings").get_json()["meetings"] == []
    assert services.ask(other, "GET", "/v1/search?q=said").get_json()["hits"] == []
    heard = f"/v1/meetings/{one.meeting_id}/segments/{one.connection_id}:0:0/audio"
    assert services.ask(other, "GET", heard).status_code == 404
    assert services.ask(other, "GET", "/v1/deadletters").get_json()["dead_letters"] == []
    assert services.ask(other, "POST", f"/v1/deadletters/{has.letter_id}/replay").status_code == 404
    assert services.ask(other, "POST", "/v1/deadletters/replay").get_json()["replayed"] == 0
    appended = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert services.ask(other, "PATCH", f"/v1/uploads/{has.upload}", b"x" * 100, appended).status_code == 404
    for method, path in (("GET", "/v1/tokens"), ("POST", f"/v1/tokens/{one.connection_id}/disable")):
        assert services.ask(other, method, f"{path}?tenant={one.tenant}").status_code == 403
    (own,) = services.ask(other, "GET", "/v1/tokens").get_json()["tokens"]
    assert own["tenant"] == other.tenant

    assert services.state() == before
    assert views(services, one, has) == seen


@with_every_joint
@settings(max_examples=25, deadline=None)
@given(owners_of_two_tenants())
def test_under_the_same_ids_each_has_its_own(two: tuple[Owner, Owner]) -> None:
    """The other tenant writes everything under the one's very ids."""
    one, other = two
    copy = Owner(other.tenant, one.connection_id, one.meeting_id)
    services = Services(one, copy)
    has = fill(services, one)
    before, seen = services.state(), views(services, one, has)
    has_too = fill(services, copy)
    after = services.state()
    assert {name: after[name] for name in before} == before
    assert len(after) == 2 * len(before) - 2, "nothing is shared; both tokens were there"
    assert views(services, one, has) == seen
    assert [status for status, _ in views(services, copy, has_too)] == [200] * 10
    assert [event.tenant for event in services.ingest.events] == [one.tenant] * 3 + [copy.tenant] * 3
    assert services.ask(copy, "POST", "/v1/deadletters/replay").get_json()["replayed"] == 1
    assert services.ask(copy, "POST", f"/v1/tokens/{copy.connection_id}/disable").status_code == 200
    assert views(services, one, has) == seen


@pytest.mark.parametrize("name", ["Authorization", "X-Tenant", "X-Tenant-Id", "X-Goog-Authenticated-User-Id"])
def test_nothing_but_the_token_says_who_asks(name: str) -> None:
    one, other = Owner("one", "c1", "m1"), Owner("other", "c2", "m2")
    services = Services(one, other)
    has = fill(services, one)
    answer = services.ask(
        other, "GET", f"/v1/streams/{has.owner.connection_id}", headers={name: f"Bearer {token_of(other)}"}
    )
    assert answer.status_code == 404
    assert services.ask(other, "GET", f"/v1/streams/{one.connection_id}?tenant=one").status_code == 400
