"""Deliveries, webhooks and receivers of tests, and delivery over ports in memory."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.dead_letters import DeadLetters
from common.events import DeliveriesDue, DeliveryWanted, Event, TranscriptUpdated
from common.ports.delivery_store import Delivery
from common.ports.stream_registry import StreamRecord, StreamSummary
from common.ports.transcript_store import SegmentTranscript, Word
from common.ports.webhook_store import Webhook
from common.settings import Secret
from tests.transcribe_service.fakes import World, settings
from transcribe_service.delivery.completion import Completion
from transcribe_service.delivery.content import Content
from transcribe_service.delivery.courier import Courier
from transcribe_service.delivery.delivery_sweep import DeliverySweep
from transcribe_service.delivery.given_up import GivenUp
from transcribe_service.delivery.orders import Orders
from transcribe_service.delivery.places import ReceiverPlaces
from transcribe_service.delivery.post import Posted, PostFailed
from transcribe_service.delivery.receivers import Receivers
from transcribe_service.delivery.senders import EngineSender, WebhookSender
from transcribe_service.delivery.updates import Updates
from transcribe_service.delivery.webhook_health import WebhookHealth
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.settings import TranscribeSettings
from turnscribe.webhooks import verify

NOW_MS = 1_700_000_000_000
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENGINE_URL = "http://engine.test/base"


def delivery(**said: Any) -> Delivery:
    return Delivery(
        **{
            "tenant": "default",
            "receiver": "wh_1",
            "subject": "transcript.segment c1:0:500",
            "type": "transcript.segment",
            "meeting_id": "m1",
            "connection_id": "c1",
            "segment_id": "c1:0:500",
            "rank": 7,
            "message_id": "msg_1",
            "happened_at_ms": NOW_MS,
            "since_ms": NOW_MS,
            "due_ms": NOW_MS,
            **said,
        }
    )


def webhook(webhook_id: str = "wh_1", **said: Any) -> Webhook:
    return Webhook(
        **{
            "tenant": "default",
            "webhook_id": webhook_id,
            "url": f"https://{webhook_id}.test/hook",
            "events": ("transcript.segment", "meeting.completed"),
            "created_at_ms": NOW_MS,
            "secret": SECRET,
            **said,
        }
    )


def segment(start_ms: int = 500, **said: Any) -> SegmentTranscript:
    return SegmentTranscript(
        **{
            "tenant": "default",
            "meeting_id": "m1",
            "connection_id": "c1",
            "segment_id": f"c1:0:{start_ms}",
            "channel": 0,
            "revision": 3,
            "final": True,
            "start_ms": start_ms,
            "end_ms": start_ms + 1000,
            "epoch_offset_ms": NOW_MS,
            "language": "en",
            "words": (
                Word("hello", start_ms, start_ms + 200, 0.5, "Ada"),
                Word("you", start_ms + 200, 900, 1.0, "Ada"),
            ),
            **said,
        }
    )


@dataclass
class ScriptedPoster:
    """Answers by host: a status, or why there is no answer. 200 where nothing was said. Keeps what was sent."""

    answers: dict[str, int | str | Posted] = field(default_factory=dict)
    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        self.sent.append((url, dict(headers), body))
        answer = self.answers.get(url.split("/")[2].partition(".")[0], 200)
        if isinstance(answer, str):
            raise PostFailed(answer)
        return answer if isinstance(answer, Posted) else Posted(answer, None)


class Post:
    """Everything of delivery, over a `World`; what is published is handled when `run` is called."""

    def __init__(self, world: World, *, engine: bool = False, threads: int = 4, **said: Any) -> None:
        self.world = world
        own = {"engine_api_url": ENGINE_URL, "engine_api_token": Secret("hush")} if engine else {}
        self.settings = TranscribeSettings(
            **{name: getattr(settings(), name) for name in settings().__struct_fields__} | own | said
        )
        self.poster = ScriptedPoster()
        self.begin(threads)

    def begin(self, threads: int = 4) -> None:
        """As a process that was just started: it remembers nothing."""
        world, clock = self.world, self.world.clock
        stored = StoredMeetings(world.transcripts, world.streams, world.meetings)
        content = Content(stored)
        receivers = Receivers(self.settings, world.webhooks, clock)
        self.orders = Orders(world.deliveries, receivers, world.publisher, clock)
        self.completion = Completion(self.orders, stored, world.streams, clock)
        self.updates = Updates(self.orders, self.completion, world.meetings, clock)
        self.places = ReceiverPlaces(threads, clock)
        self.dead_letters = DeadLetters(world.blobs, "raw")
        self.courier = Courier(
            deliveries=world.deliveries,
            engine=EngineSender(
                self.settings.engine_api_url, self.settings.engine_api_token, content, self.poster, clock
            ),
            webhook=WebhookSender(world.webhooks, content, self.poster, clock),
            health=WebhookHealth(world.webhooks, receivers, clock),
            given_up=GivenUp(self.dead_letters, clock),
            places=self.places,
            publisher=world.publisher,
            clock=clock,
            drain=world.drain,
            chance=random.Random(5),
        )
        self.sweep = DeliverySweep(world.deliveries, self.completion, world.publisher, clock)

    def handle(self, event: Event) -> None:
        match event:
            case TranscriptUpdated():
                self.updates.handle(event)
            case DeliveriesDue():
                self.courier.handle(event)
            case DeliveryWanted():
                self.courier.want_again(event)

    def run(self) -> None:
        """Handle what is published, until nothing more is."""
        while self.world.publisher.published:
            self.handle(self.world.publisher.published.pop(0))

    def store(self, stored: SegmentTranscript) -> TranscriptUpdated:
        """As the worker: stored, and announced by the event that is returned."""
        self.world.transcripts.put(stored)
        return TranscriptUpdated(
            tenant=stored.tenant,
            meeting_id=stored.meeting_id,
            connection_id=stored.connection_id,
            segment_id=stored.segment_id,
            revision=stored.revision,
            final=stored.final,
            labels=stored.labels,
            generation=stored.generation,
        )

    def open(self, connection_id: str = "c1", **said: Any) -> None:
        self.world.streams.open(
            StreamRecord(tenant="default", meeting_id="m1", connection_id=connection_id, opened_at_ms=NOW_MS, **said)
        )
        self.world.meetings.open("default", "m1", NOW_MS)

    def close(self, segments: int, connection_id: str = "c1") -> None:
        summary = StreamSummary(
            closed_at_ms=self.world.clock.now_ms(),
            chunks=1,
            audio_ms=1000,
            segments=segments,
            segment_ms=1000,
            silence_skipped_ms=0,
        )
        self.world.streams.close("default", connection_id, summary)

    def stored(self, receiver: str = "wh_1", subject: str = "transcript.segment c1:0:500") -> Delivery:
        return self.world.deliveries.stored["default", receiver, subject]

    @property
    def hosts(self) -> list[str]:
        """To whom was sent, in order."""
        return [url.split("/")[2].partition(".")[0] for url, _, _ in self.poster.sent]


def verified(post: Post, number: int = -1) -> dict[str, Any]:
    _, headers, body = post.poster.sent[number]
    return verify(body, headers, SECRET, now_s=post.world.clock.now_ms() / 1000, tolerance_s=1e9)


def ids(post: Post) -> list[str]:
    return [headers["webhook-id"] for _, headers, _ in post.poster.sent]


def sweep(post: Post) -> None:
    post.sweep.run()
    post.run()
