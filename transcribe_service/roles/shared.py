"""What both roles use. Built once for a process: where one process has both, what one of them learns the other one knows."""

from dataclasses import dataclass
from typing import Self

from common.dead_letters import DeadLetters
from transcribe_service.delivery.delivery import Delivery
from transcribe_service.lifecycle.lifecycle import Lifecycle
from transcribe_service.lifecycle.stores import Stores
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.roles.deps import TranscribeDeps


@dataclass(frozen=True)
class Shared:
    """Over the adapters of one process."""

    stored: StoredMeetings
    dead_letters: DeadLetters
    delivery: Delivery
    lifecycle: Lifecycle

    @classmethod
    def over(cls, deps: TranscribeDeps) -> Self:
        """Build it."""
        stored = StoredMeetings(deps.transcripts, deps.streams, deps.meetings)
        return cls(
            stored=stored,
            dead_letters=DeadLetters(deps.blobs, deps.settings.raw_audio_path),
            delivery=Delivery.over(
                deps.settings, webhooks=deps.webhooks, deliveries=deps.deliveries, stored=stored, clock=deps.clock
            ),
            lifecycle=Lifecycle.over(
                Stores(
                    deps.settings,
                    deps.blobs,
                    deps.publisher,
                    deps.transcripts,
                    deps.streams,
                    deps.meetings,
                    deps.works,
                    deps.clock,
                )
            ),
        )
