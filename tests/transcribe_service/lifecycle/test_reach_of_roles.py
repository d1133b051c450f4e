"""Worker and api beside each other: what each publishes, creates and deletes, in a meeting's whole life. ADR 0013 has the same as a table."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
import redis

from common.dead_letters import DeadLetters, Origin, as_dead_letter
from common.errors import Retryable
from common.events import DeliveryWanted, Event, Message, StreamEnded, StreamErased, TranscriptUpdated, to_message
from common.ports.blob_store import BlobInfo, BlobStore, Created
from common.ports.publisher import Publisher
from common.ports.webhook_store import Webhook
from common.push_auth import Nobody
from tests.common.example_events import WITHOUT_AUDIO
from tests.transcribe_service.fakes import settings
from tests.transcribe_service.lifecycle.whole import MEETING, PUSHER, Whole
from transcribe_service.app import create_app

TOPICS = {
    "worker": {"stream-events", "segments", "transcripts", "deliveries"},
    "api": {"stream-events", "segments", "transcripts", "deliveries", "audio-uploads", "dropbox"},
}
CREATES = {"worker": {"raw/quarantine", "raw/dead-letters", "segments/standing-by"}, "api": set[str]()}
DELETES = {
    "worker": {"raw/dead-letters", "segments/standing-by", "segments/of a connection"},
    "api": {"raw/dead-letters", "segments/standing-by", "segments/of a connection"},
}

OF_MEETING: dict[str, Any] = {"tenant": "default", "meeting_id": "meeting-1", "connection_id": "call-1"}
TOLD = TranscriptUpdated(**OF_MEETING, segment_id="call-1:0:0", revision=1, final=True)
WANTED = DeliveryWanted(
    **OF_MEETING, receiver="wh_1", subject="x", message_type="ping", rank=1, message_id="msg_1", happened_at_ms=1
)
ENDED = StreamEnded(**OF_MEETING, last_seq=1, object_name="raw/end.json")
WEBHOOK = Webhook(
    tenant="default",
    webhook_id="wh_1",
    url="https://hooks.example/x",
    events=("transcript.segment",),
    created_at_ms=1,
    secret="whsec_",
)


def kind_of(name: str) -> str:
    root, first, *_ = name.split("/")
    return f"{root}/of a connection" if re.fullmatch("[0-9a-f]{4}", first) else f"{root}/{first}"


class Reach(BlobStore, Publisher):
    """Bucket and topics of one role, over those of all, and what it did to them."""

    def __init__(self, blobs: BlobStore, publisher: Publisher) -> None:
        self._blobs, self._publisher = blobs, publisher
        self.created, self.deleted, self.topics = set[str](), set[str](), set[str]()

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        self.created.add(kind_of(name))
        return self._blobs.create(name, data, metadata)

    def read(self, name: str) -> bytes:
        return self._blobs.read(name)

    def info(self, name: str) -> BlobInfo:
        return self._blobs.info(name)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        return self._blobs.list(prefix, start_after=start_after)

    def delete(self, name: str) -> None:
        self.deleted.add(kind_of(name))
        self._blobs.delete(name)

    def publish(self, event: Event) -> None:
        self.topics.add(event.TOPIC)
        self._publisher.publish(event)

    def publish_message(self, topic: str, message: Message) -> None:
        self.topics.add(topic)
        self._publisher.publish_message(topic, message)

    def check(self) -> None:
        self._blobs.check()


class Apart(Whole):
    """Pushes and sweeps go to the worker, people ask the api."""

    def __init__(self, hot: redis.Redis) -> None:
        super().__init__(hot)
        self.reach = {role: Reach(self.stage.blobs, self.stage.publisher) for role in ("worker", "api")}
        deps = {
            role: dataclasses.replace(
                self.world.deps(),
                settings=msgspec.structs.replace(settings(), transcribe_role=role),
                blobs=reach,
                publisher=reach,
            )
            for role, reach in self.reach.items()
        }
        deps["api"] = dataclasses.replace(deps["api"], whisper=None, push_auth=Nobody())
        self.worker = self.client = create_app(deps["worker"]).test_client()
        self._api = create_app(deps["api"]).test_client()

    def ask(self, method: str, path: str, status: int = 200, **request: Any) -> Any:
        self.client = self._api
        try:
            return super().ask(method, path, status, **request)
        finally:
            self.client = self.worker

    def letters(self) -> None:
        """What failed too often, of each topic, as services leave it: events, and a message of an upstream system."""
        died: dict[str, Any] = {"message_id": "1", "subscription": "x", "died_at_ms": 1}
        letters = DeadLetters(self.stage.blobs, "raw")
        for event in (WITHOUT_AUDIO, TOLD, WANTED, ENDED):
            letter = as_dead_letter(to_message(event, source="/tests", now_ms=1), **died)
            letters.keep(event, letter, Retryable("down", reason="down"), published_ms=1)
        for topic in ("audio-uploads", "dropbox"):
            letter = as_dead_letter(Message(b"{}", {"of": topic}), **died, topic=topic)
            letters.keep_message(Origin("", "default"), letter, Retryable("down", reason="down"), published_ms=1)


@pytest.fixture
def apart(hot: redis.Redis) -> Apart:
    return Apart(hot)


def test_each_role_reaches_what_it_has_to_and_no_further(apart: Apart, chunks: list[bytes]) -> None:
    apart.world.webhooks.create(WEBHOOK)
    apart.upload(chunks)
    assert apart.ask("GET", MEETING)["complete"] is True
    assert apart.push(TOLD, "delivery").status_code == 204
    assert apart.push(WITHOUT_AUDIO, "dead-letters").status_code == 204
    assert apart.worker.post("/push/transcribe", data=b"poison", headers=PUSHER).status_code == 204

    assert apart.ask("POST", f"{MEETING}/retranscriptions", 202)["state"] == "running"
    apart.sweeps(1)
    assert apart.ask("GET", f"{MEETING}/retranscriptions/1")["state"] == "complete"
    assert apart.ask("POST", f"{MEETING}/replay", 202)["state"] == "running"
    apart.sweeps(2)
    assert apart.ask("GET", f"{MEETING}/replay")["state"] == "complete"
    apart.world.transcripts.delete_segment("default", "meeting-1~1", apart.stored()[0].segment_id)
    apart.sweeps(3, apart_s=600)
    assert apart.ask("GET", MEETING)["complete"] is True, "the sweep has had it transcribed again"

    deletion = apart.ask("DELETE", MEETING, 202)["deletion_id"]
    apart.lost.add(StreamErased)
    apart.sweeps(1)
    apart.lost.clear()
    apart.sweeps(3)
    assert apart.ask("GET", f"/v1/deletions/{deletion}")["complete"] is True

    apart.letters()
    assert apart.ask("POST", "/v1/deadletters/replay") == {"replayed": 7, "unreadable": [], "next": None}

    worker, api = apart.reach["worker"], apart.reach["api"]
    assert (worker.topics, api.topics) == (TOPICS["worker"], TOPICS["api"])
    assert {"raw/quarantine", "raw/dead-letters"} <= worker.created <= CREATES["worker"]
    assert api.created == CREATES["api"]
    assert {"segments/of a connection"} <= worker.deleted <= DELETES["worker"]
    assert {"raw/dead-letters"} <= api.deleted <= DELETES["api"]
