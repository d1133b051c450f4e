"""The parts of this package, put together: routes, the sweep, and the gate that stands before the handlers of segments' events."""

from dataclasses import dataclass

from flask import Blueprint

from common.auth import TokenVerifier
from transcribe_service.lifecycle.deletion import Deletions
from transcribe_service.lifecycle.deletion_routes import deletions_blueprint
from transcribe_service.lifecycle.gate import Gate
from transcribe_service.lifecycle.lifecycle_sweep import LifecycleSweep
from transcribe_service.lifecycle.replay import Replays
from transcribe_service.lifecycle.replay_routes import replay_blueprint
from transcribe_service.lifecycle.retention import Retentions
from transcribe_service.lifecycle.retention_routes import retention_blueprint
from transcribe_service.lifecycle.retranscription import Retranscriptions
from transcribe_service.lifecycle.retranscription_routes import retranscription_blueprint
from transcribe_service.lifecycle.stores import Stores
from transcribe_service.lifecycle.work_content import AUDIO_DELETION, DELETION, REPLAY, RETENTION, RETRANSCRIPTION


@dataclass(frozen=True)
class Lifecycle:
    """What becomes of meetings in the long run."""

    gate: Gate
    sweep: LifecycleSweep
    routes: tuple[Blueprint, ...]


def lifecycle(stores: Stores, tokens: TokenVerifier) -> Lifecycle:
    """All of it, over the stores of one installation."""
    deletions, audio_deletions = Deletions(stores), Deletions(stores, audio_only=True)
    retranscriptions = Retranscriptions(stores)
    replays = Replays(stores, retranscriptions)
    retentions = Retentions(stores, deletions, audio_deletions)
    go_on = {
        DELETION: deletions.go_on,
        AUDIO_DELETION: audio_deletions.go_on,
        REPLAY: replays.go_on,
        RETRANSCRIPTION: retranscriptions.go_on,
        RETENTION: retentions.go_on,
    }
    return Lifecycle(
        gate=Gate(stores.streams, stores.transcripts, stores.meetings),
        sweep=LifecycleSweep(stores.works, go_on, retentions.look_for_tenants, stores.clock),
        routes=(
            deletions_blueprint(deletions, tokens),
            replay_blueprint(replays, tokens),
            retranscription_blueprint(retranscriptions, tokens),
            retention_blueprint(retentions, tokens),
        ),
    )
