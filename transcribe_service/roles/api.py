"""The role `api`: what people and their programs ask for (`/v1/…`, each route with a token of theirs), and the page.

It transcribes nothing, delivers nothing but the message that tries a webhook, and what it is asked to do to whole meetings it begins
itself and leaves to the worker's sweep.
"""

from collections.abc import Iterator

from flask import Blueprint

from transcribe_service.dead_letter_routes import dead_letters_blueprint
from transcribe_service.live.hub import LiveHub, live_places
from transcribe_service.live.live_routes import live_blueprint
from transcribe_service.page.routes import page_blueprint
from transcribe_service.reading.audio_routes import audio_blueprint
from transcribe_service.reading.meeting_routes import meeting_edit_blueprint, meetings_blueprint
from transcribe_service.reading.search_routes import search_blueprint
from transcribe_service.reading.segment_audio import SegmentAudio
from transcribe_service.reading.transcript_routes import transcript_blueprint
from transcribe_service.roles.deps import TranscribeDeps
from transcribe_service.roles.shared import Shared


def live_hub(deps: TranscribeDeps, shared: Shared) -> LiveHub:
    """The meetings that are watched in this process."""
    return LiveHub(
        shared.stored,
        readers=live_places(deps.settings.live_readers, deps.threads),
        poll_s=deps.settings.live_poll_sec,
        clock=deps.clock,
        drain=deps.drain,
    )


def api_routes(deps: TranscribeDeps, shared: Shared, hub: LiveHub) -> Iterator[Blueprint]:
    """The role's routes."""
    stored, tokens = shared.stored, deps.tokens
    yield shared.delivery.webhook_routes(tokens)
    yield from shared.lifecycle.routes(tokens)
    yield live_blueprint(hub, tokens, deps.drain, deps.clock, max_s=deps.settings.live_max_sec)
    yield meetings_blueprint(stored, tokens)
    yield meeting_edit_blueprint(stored, tokens)
    yield transcript_blueprint(stored, tokens)
    yield search_blueprint(stored, tokens)
    yield audio_blueprint(SegmentAudio(stored, deps.blobs, deps.settings), tokens)
    yield dead_letters_blueprint(shared.dead_letters, deps.publisher, tokens)
    yield page_blueprint(deps.settings.ingest_public_url)
