"""Speaker observations of a connection: from its mail, and from the bucket where an event has not come (yet)."""

import msgspec

from common.events import SpeakersObserved
from common.logs import get_logger
from segmenter_service.holding import Holding

log = get_logger(__name__)
_EPOCH_FROM_MS = 100_000_000_000
"""Above this a time in an object's name is epoch milliseconds; no stream lasts for three years."""


def take_in(holding: Holding, observation: SpeakersObserved) -> None:
    """Add an observation to the timeline. Idempotent."""
    holding.state.timeline.add(observation)
    holding.state.speakers_seen = True


def adopt_from_bucket(holding: Holding) -> bool:
    """Take in what the bucket has and the timeline has not seen. True when it changed what is known.

    Looks only at windows that end after the earliest uncut audio, so the work does not grow with the meeting.
    """
    state = holding.state
    before = msgspec.msgpack.encode(state.timeline)
    uncut_ms = state.uncut_from_sample // 16
    prefix = holding.objects.speakers_prefix
    clock_edge = f"{prefix}{_EPOCH_FROM_MS:014d}"
    stream_from = f"{prefix}{max(0, uncut_ms):014d}"
    epoch_from = f"{prefix}{max(_EPOCH_FROM_MS, uncut_ms + (state.epoch_offset_ms or 0)):014d}"
    for info in holding.around.blobs.list(prefix, start_after=stream_from):
        if info.name >= clock_edge:
            break
        _adopt(holding, info.name)
    for info in holding.around.blobs.list(prefix, start_after=epoch_from):
        _adopt(holding, info.name)
    return msgspec.msgpack.encode(state.timeline) != before


def _adopt(holding: Holding, name: str) -> None:
    holding.still_mine()
    take_in(holding, msgspec.json.decode(holding.around.blobs.read(name), type=SpeakersObserved))


def stored_observations(holding: Holding) -> int:
    """How many observations the bucket holds for the connection."""
    return sum(1 for _ in holding.around.blobs.list(holding.objects.speakers_prefix))
