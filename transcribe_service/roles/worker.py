"""The role `worker`: what is pushed (`/push/…`) and swept (`/sweep…`). Recognition, delivery, and what becomes of meetings in the long run.

It has no route for people, and asks for no token of theirs.
"""

from collections.abc import Iterator

from flask import Blueprint

from common.dead_letter_push import last_tries
from common.events import SegmentReady, SegmentRelabelled
from common.ports.publisher import Publisher
from common.push import Handlers, push_blueprint
from common.quarantine import push_quarantine
from common.sweep_route import sweep_blueprint
from transcribe_service.connections.other_connections import OtherConnections
from transcribe_service.connections.standby import Standby
from transcribe_service.connections.take_over_sweep import TakeOverSweep, swept_both
from transcribe_service.recognition.known_meetings import KnownMeetings
from transcribe_service.recognition.recogniser import Recogniser
from transcribe_service.recognition.relabelling import Relabeller
from transcribe_service.recognition.worker import Worker
from transcribe_service.roles.deps import TranscribeDeps
from transcribe_service.roles.shared import Shared
from transcribe_service.sweep import Sweep
from transcribe_service.whisper.places import WhisperPlaces


def worker_routes(deps: TranscribeDeps, shared: Shared, transcribed: Publisher) -> Iterator[Blueprint]:
    """The role's routes. `transcribed` is where recognition announces what it has stored."""
    roots = deps.settings.raw_audio_path, deps.settings.segments_path
    others = OtherConnections(deps.streams, deps.blobs, deps.clock, *roots)
    standby = Standby(deps.settings, deps.blobs, others, deps.clock)
    attempts = shared.delivery.attempts(dead_letters=shared.dead_letters, publisher=deps.publisher, drain=deps.drain)
    gate = shared.lifecycle.gate
    handlers: Handlers = {
        SegmentReady: gate.guarding(_recognition(deps, standby, transcribed).handle),
        SegmentRelabelled: gate.guarding(Relabeller(deps.transcripts, deps.meetings, deps.publisher).handle),
        **attempts.handlers,
    }
    quarantine = push_quarantine(deps.blobs, deps.settings.raw_audio_path)
    last = last_tries(handlers, shared.dead_letters, deps.clock)
    yield push_blueprint(handlers, quarantine, deps.push_auth, last)

    sweep = Sweep(deps.settings, deps.blobs, deps.publisher, deps.transcripts, deps.streams, deps.clock, deps.meetings)
    take_overs = TakeOverSweep(deps.settings, deps.blobs, deps.publisher, deps.transcripts, standby, deps.clock)
    yield sweep_blueprint(lambda: swept_both(sweep, take_overs), deps.push_auth)
    yield sweep_blueprint(attempts.sweep.run, deps.push_auth, "/sweep/deliveries")
    yield sweep_blueprint(shared.lifecycle.sweep.run, deps.push_auth, "/sweep/lifecycle")


def _recognition(deps: TranscribeDeps, standby: Standby, transcribed: Publisher) -> Worker:
    if deps.whisper is None:
        raise ValueError("a worker needs a Whisper client")
    recogniser = Recogniser(
        settings=deps.settings,
        whisper=deps.whisper,
        places=WhisperPlaces(deps.settings.processing_threads),
        meetings=KnownMeetings(deps.meetings, deps.clock),
        clock=deps.clock,
    )
    return Worker(
        settings=deps.settings,
        blobs=deps.blobs,
        publisher=transcribed,
        transcripts=deps.transcripts,
        recogniser=recogniser,
        standby=standby,
        clock=deps.clock,
    )
