"""The segmenter as a Flask application: pushes in, segments out. `bootstrap` decides on what it stands."""

from dataclasses import dataclass

import redis
from flask import Flask

from common.clock import Clock
from common.dead_letter_push import last_tries
from common.dead_letters import DeadLetters
from common.errors import Retryable
from common.events import ChunkStored, SpeakersObserved, StreamEnded, StreamErased, StreamReplayed
from common.health import Drain
from common.ports.blob_store import BlobStore
from common.ports.meeting_store import MeetingStore
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRegistry
from common.push import Handlers, PushAuth, push_blueprint
from common.quarantine import push_quarantine
from common.sweep_route import sweep_blueprint
from common.web import base_app
from segmenter_service.drain import Drainer
from segmenter_service.holding import Surroundings
from segmenter_service.settings import SegmenterSettings
from segmenter_service.sweep import Sweep
from segmenter_service.sweep_cursor import RedisCursor
from segmenter_service.voice_activity import VoiceActivity


@dataclass(frozen=True)
class SegmenterDeps:
    """What the service stands on."""

    settings: SegmenterSettings
    blobs: BlobStore
    publisher: Publisher
    streams: StreamRegistry
    meetings: MeetingStore
    redis: redis.Redis
    push_auth: PushAuth
    clock: Clock
    drain: Drain


def create_app(deps: SegmenterDeps) -> Flask:
    """`POST /push/…` for stream events, `POST /sweep` for the scheduler, and the health routes."""

    def check_redis() -> None:
        try:
            deps.redis.ping()
        except redis.RedisError as error:
            raise Retryable("Redis can't be reached", reason="redis_unavailable") from error

    checks = {
        "objects": deps.blobs.check,
        "queue": deps.publisher.check,
        "streams": deps.streams.check,
        "redis": check_redis,
    }
    app = base_app("segmenter", checks, deps.drain, deps.settings.revision)
    around = Surroundings(
        deps.settings, deps.blobs, deps.publisher, deps.streams, deps.meetings, VoiceActivity(), deps.clock
    )
    drainer = Drainer(around, deps.redis)
    sweep = Sweep(
        deps.streams,
        deps.blobs,
        drainer,
        RedisCursor(deps.redis, "open"),
        RedisCursor(deps.redis, "unregistered"),
        deps.clock,
        deps.settings.raw_audio_path,
    )
    mailed = (ChunkStored, SpeakersObserved, StreamEnded, StreamErased, StreamReplayed)
    handlers: Handlers = dict.fromkeys(mailed, drainer.deliver)
    quarantine = push_quarantine(deps.blobs, deps.settings.raw_audio_path)
    dead_letters = last_tries(handlers, DeadLetters(deps.blobs, deps.settings.raw_audio_path), deps.clock)
    app.register_blueprint(push_blueprint(handlers, quarantine, deps.push_auth, dead_letters))
    app.register_blueprint(sweep_blueprint(sweep.run, deps.push_auth))
    return app
