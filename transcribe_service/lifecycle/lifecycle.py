"""The parts of this package, put together: routes, the sweep, and the gate that stands before the handlers of segments' events."""

from dataclasses import dataclass
from typing import Self

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
    """What becomes of meetings in the long run: who is asked begins it, by `routes`, and the sweep goes on with it."""

    stores: Stores
    deletions: Deletions
    audio_deletions: Deletions
    retranscriptions: Retranscriptions
    replays: Replays
    retentions: Retentions

    @classmethod
    def over(cls, stores: Stores) -> Self:
        """All of it, over the stores of one installation."""
        deletions, audio_deletions = Deletions(stores), Deletions(stores, audio_only=True)
        retranscriptions = Retranscriptions(stores)
        return cls(
            stores=stores,
            deletions=deletions,
            audio_deletions=audio_deletions,
            retranscriptions=retranscriptions,
            replays=Replays(stores, retranscriptions),
            retentions=Retentions(stores, deletions, audio_deletions),
        )

    @property
    def gate(self) -> Gate:
        """What stands before the handlers of segments' events."""
        return Gate(self.stores.streams, self.stores.transcripts, self.stores.meetings)

    @property
    def sweep(self) -> LifecycleSweep:
        """What goes on with all kinds of work."""
        go_on = {
            DELETION: self.deletions.go_on,
            AUDIO_DELETION: self.audio_deletions.go_on,
            REPLAY: self.replays.go_on,
            RETRANSCRIPTION: self.retranscriptions.go_on,
            RETENTION: self.retentions.go_on,
        }
        return LifecycleSweep(self.stores.works, go_on, self.retentions.look_for_tenants, self.stores.clock)

    def routes(self, tokens: TokenVerifier) -> tuple[Blueprint, ...]:
        """What people ask for, and ask about."""
        return (
            deletions_blueprint(self.deletions, tokens),
            replay_blueprint(self.replays, tokens),
            retranscription_blueprint(self.retranscriptions, tokens),
            retention_blueprint(self.retentions, tokens),
        )
