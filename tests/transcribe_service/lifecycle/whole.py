"""Segmenter and transcribe service over the same stores in memory: events go where they would go, one by one, when a test says so."""

import base64
import contextlib
import dataclasses
import json
import random
from typing import Any

import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.errors import Retryable
from common.events import (
    ChunkStored,
    Event,
    SegmentReady,
    SegmentRelabelled,
    SpeakersObserved,
    StreamEnded,
    StreamErased,
    StreamReplayed,
    to_message,
)
from common.ports.transcript_store import SegmentTranscript
from tests.memory_ports import Faults
from tests.segmenter_service.stage import Stage
from tests.transcribe_service.asking import READER
from tests.transcribe_service.fakes import PUSH_TOKEN, World
from transcribe_service.app import create_app
from transcribe_service.settings import TranscribeSettings

PUSHER = {"Authorization": f"Bearer {PUSH_TOKEN}"}
MEETING = "/v1/meetings/meeting-1"


class Whole:
    """One meeting, `meeting-1`, with one connection, `call-1`, from its upload to its readers."""

    def __init__(self, client: redis.Redis, **settings: str) -> None:
        self.stage = Stage(client, **settings)
        stage = self.stage
        self.world = World(
            blobs=stage.blobs,
            publisher=stage.publisher,
            streams=stage.streams,
            meetings=stage.meetings,
            clock=stage.clock,
        )
        self.client: FlaskClient = create_app(self.world.deps()).test_client()
        self.seen = 0
        self.lost: set[type[Event]] = set()
        """Types of events that a broker forgets."""

    def use(self, settings: TranscribeSettings) -> None:
        """Start the transcribe service again, with these."""
        self.client = create_app(dataclasses.replace(self.world.deps(), settings=settings)).test_client()

    def pump(self, limit: int = 2_000) -> None:
        """Deliver what was published, and what that leads to, until nothing is left."""
        for _ in range(limit):
            if self.seen == len(self.stage.publisher.published):
                return
            event = self.stage.publisher.published[self.seen]
            self.seen += 1
            if type(event) not in self.lost:
                self.deliver(event)
        raise AssertionError("events lead to events without end")

    def deliver(self, event: Event) -> None:
        """Push one event, again and again until it is taken."""
        if isinstance(event, ChunkStored | SpeakersObserved | StreamEnded | StreamErased | StreamReplayed):
            self.stage.deliver([event])
            return
        if not isinstance(event, SegmentReady | SegmentRelabelled):
            return
        for _ in range(20):
            if self.push(event).status_code == 204:
                return
        raise AssertionError("a push failed twenty times")

    def push(self, event: Event, subscription: str = "transcribe") -> TestResponse:
        message = to_message(event, source="/tests", now_ms=self.stage.clock.now_ms())
        data = base64.b64encode(message.data).decode()
        body = {"message": {"data": data, "attributes": dict(message.attributes), "messageId": "1"}}
        return self.client.post(f"/push/{subscription}", json=body, headers=PUSHER)

    def upload(self, chunks: list[bytes]) -> None:
        """All of it, to its transcript."""
        self.stage.deliver(self.stage.upload(chunks))
        self.pump()

    def sweeps(self, times: int = 1, *, apart_s: float = 60.0) -> None:
        """What the scheduler does, and what it leads to."""
        for _ in range(times):
            self.stage.clock.sleep(apart_s)
            with contextlib.suppress(Retryable):  # the scheduler comes again
                self.stage.sweep.run()
            for path in ("/sweep", "/sweep/lifecycle"):
                self.client.post(path, headers=PUSHER)
            self.pump()

    def ask(self, method: str, path: str, status: int = 200, **request: Any) -> Any:
        """The answer's JSON."""
        answer = self.client.open(path, method=method, headers=READER, **request)
        assert answer.status_code == status, answer.data
        return json.loads(answer.data)

    def stored(self) -> list[SegmentTranscript]:
        return list(self.world.transcripts.stored.values())

    def words(self) -> list[tuple[str, int]]:
        said = self.ask("GET", f"{MEETING}/transcript")["utterances"]
        return [(word["text"], word["start_ms"]) for each in said for word in each["words"]]

    def everything_with(self, *ids: str) -> list[str]:
        """Whatever is stored anywhere, and names one of these."""
        stage, world = self.stage, self.world
        found = [f"object {name} {dict(held.metadata)} {held.data!r}" for name, held in stage.blobs.objects.items()]
        found += [f"key {key!r}" for key in stage.redis.scan_iter() if not key.startswith(b"turnscribe:sweep:")]
        found += [f"segment {each}" for each in world.transcripts.stored.values()]
        found += [f"stream {each}" for each in stage.streams.records.values()]
        found += [f"meeting {each}" for each in stage.meetings.stored.values()]
        found += [f"work {each}" for each in world.works.stored.values()]
        return [each for each in found if any(name in each for name in ids)]

    def chaos(self, seed: int, strikes: int) -> None:
        """Let stores fail, before or after they have done what they were asked, here and there."""
        dice = random.Random(seed)
        stores: list[Faults] = [
            each.faults
            for each in (
                self.world.transcripts,
                self.world.works,
                self.stage.streams,
                self.stage.meetings,
                self.stage.publisher,
            )
        ]
        for _ in range(strikes):
            faults = dice.choice(stores)
            (faults.before if dice.random() < 0.5 else faults.after).append(Retryable("killed", reason="killed"))

    def peace(self) -> None:
        for each in (
            self.world.transcripts,
            self.world.works,
            self.stage.streams,
            self.stage.meetings,
            self.stage.publisher,
        ):
            each.faults.before.clear()
            each.faults.after.clear()
