"""Speaker observations of a connection: from its mail, and from the bucket where an event has not come (yet)."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

import msgspec

from common.events import SpeakersObserved
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobNotFound, BlobStore
from common.stored_chunks import event_of_content
from segmenter_service.announced import touch
from segmenter_service.holding import Holding
from segmenter_service.state import SAMPLES_PER_MS, ConnectionState

_EPOCH_FROM_MS: Final = 100_000_000_000
"""Above this a time in an object's name is epoch milliseconds; no stream lasts for three years."""


def take_in(holding: Holding, observation: SpeakersObserved) -> None:
    """Add an observation to the timeline. Idempotent."""
    state = holding.state
    state.timeline.add(observation)
    state.speakers_seen = True
    about = state.timeline.in_stream_time(observation)
    if about is not None:
        touch(state.announced, *about)


def take_in_large(holding: Holding, names: Iterable[str]) -> None:
    """Add the observations that only their objects' names came of. What was deleted meanwhile says nothing."""
    for name in names:
        with suppress(BlobNotFound):
            take_in(holding, event_of_content(holding.around.blobs.read(name), SpeakersObserved))


def adopt_from_bucket(holding: Holding, *, of_cut_audio: bool = False) -> bool:
    """Take in what the bucket has and the timeline has not seen. True when it changed what is known.

    Looks only at windows that end after the earliest uncut audio, or `of_cut_audio`, as far back as the timeline is kept: the work
    does not grow with the meeting.
    """
    state, blobs = holding.state, holding.around.blobs
    before = msgspec.msgpack.encode(state.timeline)
    from_ms = state.timeline.pruned_before_ms if of_cut_audio else state.uncut_from_sample // SAMPLES_PER_MS
    for name in stored_after(blobs, holding.objects, state, from_ms):
        holding.still_mine()
        observation = event_of_content(blobs.read(name), SpeakersObserved)
        take_in(holding, observation)
        if state.timeline.leaves(observation):  # what follows is later still
            break
    return msgspec.msgpack.encode(state.timeline) != before


def stored_after(blobs: BlobStore, objects: ConnectionObjects, state: ConnectionState, from_ms: int) -> Iterator[str]:
    """Names of the observations whose windows end after `from_ms` (stream time), on either clock."""
    prefix = objects.speakers_prefix
    clock_edge = f"{prefix}{_EPOCH_FROM_MS:014d}"
    stream_from = f"{prefix}{max(0, from_ms):014d}"
    epoch_from = f"{prefix}{max(_EPOCH_FROM_MS, from_ms + (state.epoch_offset_ms or 0)):014d}"
    for info in blobs.list(prefix, start_after=stream_from):
        if info.name >= clock_edge:
            break
        yield info.name
    for info in blobs.list(prefix, start_after=epoch_from):
        yield info.name


def stored_observations(holding: Holding) -> int:
    """How many observations the bucket holds for the connection."""
    return sum(1 for _ in holding.around.blobs.list(holding.objects.speakers_prefix))
