"""Segments into the world: audio object first, then the event. Creating the object of a final segment decides where it ends.

If two holders ever decide differently (one slept through its lease), or a crash came between object and event, the object that
is there wins: its end is taken over and the event that lies with it is published again.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from common.events import SegmentReady, Turn
from common.ids import segment_id
from common.logs import get_logger
from common.ports.blob_store import Created
from common.stored_segments import event_of_segment, store_event
from segmenter_service.announced import as_announced
from segmenter_service.holding import Holding
from segmenter_service.lane import Lane
from segmenter_service.segment_audio import PADDING_MS, flac_of
from segmenter_service.state import SAMPLES_PER_MS, Arrival
from segmenter_service.voice_activity import FRAME_MS

log = get_logger(__name__)
TURN_MARGIN_MS: Final = 5_000
KEPT_TURNS_MS: Final = 6_000
"""So far before the earliest segment that may still be announced turns are needed, `TURN_MARGIN_MS` and some more."""
LIVE_MS: Final = 15_000
"""What transcribe drops for its age (its PROVISIONAL_MAX_AGE_SEC, as it is unless set): a segmenter that is behind gains by not making it."""
END_FRAME: Final = "end-frame"
REVISION: Final = "revision"


def turns_around(holding: Holding, start_ms: int, end_ms: int) -> tuple[Turn, ...]:
    """Who spoke in and around a segment."""
    return holding.state.timeline.turns_between(start_ms - TURN_MARGIN_MS, end_ms + TURN_MARGIN_MS)


def write_final(
    holding: Holding, channel: int, start_frame: int, end_frame: int, samples: NDArray[np.int16], *, revision: int
) -> int:
    """Store and announce `[start_frame, end_frame)` of `channel`. Returns its end, which an earlier writer may have decided.

    `samples` (n,) is its audio. Where the end differs from `end_frame`, the caller goes on from the end returned.
    """
    blobs = holding.around.blobs
    name = holding.objects.final_segment(channel, start_frame * FRAME_MS)
    event = _event(holding, channel, start_frame, end_frame, name, revision=revision, final=True)
    decision = {END_FRAME: str(end_frame), REVISION: str(revision), "meeting-id": holding.state.meeting_id}
    if (
        blobs.create(name, flac_of(samples), decision | store_event(blobs, holding.objects, event))
        is not Created.CREATED
    ):
        there = blobs.info(name)
        end_frame, revision = int(there.metadata[END_FRAME]), int(there.metadata[REVISION])
        event = event_of_segment(blobs, there) or _event(
            holding, channel, start_frame, end_frame, name, revision=revision, final=True
        )
    _announce(holding, event)
    holding.state.announced.append(as_announced(event))
    return end_frame


def too_old_to_show(holding: Holding, end_frame: int) -> bool:
    """Whether the audio before `end_frame` was accepted too long ago for anybody to read its text live. Not where that is unknown."""
    accepted_ms = _accepted_ms(holding, end_frame * FRAME_MS)
    return accepted_ms is not None and holding.now_ms - accepted_ms > LIVE_MS


def write_provisional(holding: Holding, lane: Lane, end_frame: int, samples: NDArray[np.int16]) -> None:
    """Store and announce the open segment of `lane` up to `end_frame`. `samples` (n,) is its audio."""
    lane.revision += 1
    lane.provisional_end_frame = end_frame
    name = holding.objects.provisional_segment(lane.channel, lane.start_frame * FRAME_MS, lane.revision)
    holding.around.blobs.create(name, flac_of(samples), {END_FRAME: str(end_frame)})
    event = _event(holding, lane.channel, lane.start_frame, end_frame, name, revision=lane.revision, final=False)
    _announce(holding, event)


def forget_provisional(holding: Holding, channel: int, start_frame: int, revisions: int) -> None:
    """Delete the audio of provisional revisions that a final one has replaced. A worker that still wants one drops it."""
    for revision in range(1, revisions + 1):
        holding.around.blobs.delete(holding.objects.provisional_segment(channel, start_frame * FRAME_MS, revision))


def _event(
    holding: Holding, channel: int, start_frame: int, end_frame: int, name: str, *, revision: int, final: bool
) -> SegmentReady:
    state = holding.state
    start_ms, end_ms = start_frame * FRAME_MS, end_frame * FRAME_MS
    return SegmentReady(
        tenant=holding.tenant,
        meeting_id=state.meeting_id,
        connection_id=holding.connection_id,
        segment_id=segment_id(holding.connection_id, channel, start_ms),
        channel=channel,
        revision=revision,
        final=final,
        start_ms=start_ms,
        end_ms=end_ms,
        padding_ms=PADDING_MS,
        object_name=name,
        epoch_offset_ms=state.epoch_offset_ms or 0,
        turns=turns_around(holding, start_ms, end_ms),
        options=state.options,
        generation=state.generation,
        whole_from_ms=min(start_frame, _whole_from_frame(holding, channel)) * FRAME_MS,
        accepted_ms=_accepted_ms(holding, end_ms),
    )


def _whole_from_frame(holding: Holding, channel: int) -> int:
    """Where a channel's last segment or gap ended. A segment that late chunks gave lies before, and speaks for itself alone."""
    return next((lane.whole_from_frame for lane in holding.state.lanes if lane.channel == channel), 0)


def _announce(holding: Holding, event: SegmentReady) -> None:
    """Publish the event of a revision whose audio is stored."""
    holding.around.publisher.publish(event)
    log.info(
        "segment_announced",
        segment_id=event.segment_id,
        revision=event.revision,
        final=event.final,
        length_ms=event.end_ms - event.start_ms,
        heard_ms=event.end_ms - (event.start_ms if event.whole_from_ms is None else event.whole_from_ms),
        waited_ms=_waited_ms(holding, event.end_ms),
    )


def _waited_ms(holding: Holding, end_ms: int) -> int | None:
    """How long ago the last audio of a segment was read from its chunk; None for audio of a late chunk, which nobody waited for."""
    arrival = _arrival_of(holding, end_ms)
    return None if arrival is None else holding.now_ms - arrival.at_ms


def _accepted_ms(holding: Holding, end_ms: int) -> int | None:
    arrival = _arrival_of(holding, end_ms)
    return None if arrival is None else arrival.accepted_ms


def _arrival_of(holding: Holding, end_ms: int) -> Arrival | None:
    """How the audio up to `end_ms` came; None where it was passed over before. What a flush decodes came with the last chunk."""
    state = holding.state
    if not state.arrivals or end_ms <= state.uncut_from_sample // SAMPLES_PER_MS:
        return None
    return next((arrival for arrival in state.arrivals if arrival.end_ms >= end_ms), state.arrivals[-1])
