"""The transcribe service as a Flask application; `bootstrap` decides on what it stands."""

from dataclasses import dataclass
from typing import Final

from flask import Flask

from common.auth import TokenVerifier
from common.clock import Clock
from common.compression import compress_answers
from common.dead_letter_push import last_tries
from common.dead_letters import DeadLetters
from common.events import SegmentReady, SegmentRelabelled
from common.health import Drain
from common.openapi.route import openapi_blueprint
from common.ports.blob_store import BlobStore
from common.ports.delivery_store import DeliveryStore
from common.ports.meeting_store import MeetingStore
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRegistry
from common.ports.transcript_store import TranscriptStore
from common.ports.webhook_store import WebhookStore
from common.ports.work_store import WorkStore
from common.push import Handlers, PushAuth, push_blueprint
from common.quarantine import push_quarantine
from common.sweep_route import sweep_blueprint
from common.web import base_app
from transcribe_service.connections.other_connections import OtherConnections
from transcribe_service.connections.standby import Standby
from transcribe_service.connections.take_over_sweep import TakeOverSweep, swept_both
from transcribe_service.dead_letter_routes import dead_letters_blueprint
from transcribe_service.delivery.delivery import delivery
from transcribe_service.lifecycle.lifecycle import lifecycle
from transcribe_service.lifecycle.stores import Stores
from transcribe_service.live.hub import LiveHub, live_places
from transcribe_service.live.live_routes import live_blueprint
from transcribe_service.live.waking_publisher import WakingPublisher
from transcribe_service.page.routes import page_blueprint
from transcribe_service.reading.audio_routes import audio_blueprint
from transcribe_service.reading.meeting_routes import meeting_edit_blueprint, meetings_blueprint
from transcribe_service.reading.search_routes import search_blueprint
from transcribe_service.reading.segment_audio import SegmentAudio
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.reading.transcript_routes import transcript_blueprint
from transcribe_service.recognition.known_meetings import KnownMeetings
from transcribe_service.recognition.recogniser import Recogniser
from transcribe_service.recognition.relabelling import Relabeller
from transcribe_service.recognition.worker import Worker
from transcribe_service.settings import TranscribeSettings
from transcribe_service.sweep import Sweep
from transcribe_service.whisper.client import WhisperClient
from transcribe_service.whisper.places import WhisperPlaces

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
"""The largest Pub/Sub message, 10 MB, in base64."""


@dataclass(frozen=True)
class TranscribeDeps:
    """What the service stands on."""

    settings: TranscribeSettings
    blobs: BlobStore
    publisher: Publisher
    transcripts: TranscriptStore
    streams: StreamRegistry
    meetings: MeetingStore
    webhooks: WebhookStore
    deliveries: DeliveryStore
    works: WorkStore
    whisper: WhisperClient
    tokens: TokenVerifier
    push_auth: PushAuth
    clock: Clock
    drain: Drain
    threads: int | None = None
    """Of the server around it, where it has no more than it needs: live readers leave some of them to others."""


def create_app(deps: TranscribeDeps) -> Flask:
    """Worker role (`/push/…`), `POST /sweep` for the scheduler, reader role (`/v1/…`) and the health routes.

    Whisper is no part of readiness: while it is down, transcripts can be read, and segments wait in the queue.
    """
    checks = {
        "objects": deps.blobs.check,
        "queue": deps.publisher.check,
        "transcripts": deps.transcripts.check,
        "streams": deps.streams.check,
        "meetings": deps.meetings.check,
        "webhooks": deps.webhooks.check,
        "deliveries": deps.deliveries.check,
        "works": deps.works.check,
    }
    app = base_app("transcribe", checks, deps.drain)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    compress_answers(app)
    stored = StoredMeetings(deps.transcripts, deps.streams, deps.meetings)
    hub = LiveHub(
        stored,
        readers=live_places(deps.settings.live_readers, deps.threads),
        poll_s=deps.settings.live_poll_sec,
        clock=deps.clock,
        drain=deps.drain,
    )
    roots = deps.settings.raw_audio_path, deps.settings.segments_path
    others = OtherConnections(deps.streams, deps.blobs, deps.clock, *roots)
    standby = Standby(deps.settings, deps.blobs, others, deps.clock)
    known_meetings = KnownMeetings(deps.meetings, deps.clock)
    worker = Worker(
        settings=deps.settings,
        blobs=deps.blobs,
        publisher=WakingPublisher(deps.publisher, hub.wake),
        transcripts=deps.transcripts,
        recogniser=Recogniser(
            settings=deps.settings,
            whisper=deps.whisper,
            places=WhisperPlaces(deps.settings.processing_threads),
            meetings=known_meetings,
            clock=deps.clock,
        ),
        standby=standby,
        clock=deps.clock,
    )

    quarantine = push_quarantine(deps.blobs, deps.settings.raw_audio_path)
    dead_letters = DeadLetters(deps.blobs, deps.settings.raw_audio_path)
    relabeller = Relabeller(deps.transcripts, deps.meetings, deps.publisher)
    deliver = delivery(
        deps.settings,
        webhooks=deps.webhooks,
        deliveries=deps.deliveries,
        stored=stored,
        dead_letters=dead_letters,
        publisher=deps.publisher,
        tokens=deps.tokens,
        clock=deps.clock,
        drain=deps.drain,
    )
    long_run = lifecycle(
        Stores(
            deps.settings,
            deps.blobs,
            deps.publisher,
            deps.transcripts,
            deps.streams,
            deps.meetings,
            deps.works,
            deps.clock,
        ),
        deps.tokens,
    )
    handlers: Handlers = {
        SegmentReady: long_run.gate.guarding(worker.handle),
        SegmentRelabelled: long_run.gate.guarding(relabeller.handle),
        **deliver.handlers,
    }
    last = last_tries(handlers, dead_letters, deps.clock)
    app.register_blueprint(push_blueprint(handlers, quarantine, deps.push_auth, last))
    sweep = Sweep(deps.settings, deps.blobs, deps.publisher, deps.transcripts, deps.streams, deps.clock, deps.meetings)
    take_overs = TakeOverSweep(deps.settings, deps.blobs, deps.publisher, deps.transcripts, standby, deps.clock)
    app.register_blueprint(sweep_blueprint(lambda: swept_both(sweep, take_overs), deps.push_auth))
    app.register_blueprint(sweep_blueprint(deliver.sweep.run, deps.push_auth, "/sweep/deliveries"))
    app.register_blueprint(deliver.routes)
    app.register_blueprint(sweep_blueprint(long_run.sweep.run, deps.push_auth, "/sweep/lifecycle"))
    for routes in long_run.routes:
        app.register_blueprint(routes)
    app.register_blueprint(live_blueprint(hub, deps.tokens, deps.drain, deps.clock, max_s=deps.settings.live_max_sec))
    app.register_blueprint(meetings_blueprint(stored, deps.tokens))
    app.register_blueprint(meeting_edit_blueprint(stored, deps.tokens))
    app.register_blueprint(transcript_blueprint(stored, deps.tokens))
    app.register_blueprint(search_blueprint(stored, deps.tokens))
    app.register_blueprint(audio_blueprint(SegmentAudio(stored, deps.blobs, deps.settings), deps.tokens))
    app.register_blueprint(dead_letters_blueprint(dead_letters, deps.publisher, deps.tokens))
    app.register_blueprint(page_blueprint(deps.settings.ingest_public_url))
    app.register_blueprint(openapi_blueprint(app, "turnscribe: transcripts"))
    return app
