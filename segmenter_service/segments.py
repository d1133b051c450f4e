"""Segments into the world: audio object first, then the event. Creating the object of a final segment decides where it ends.

If two holders ever decide differently (one slept through its lease), or a crash came between object and event, the object that
is there wins: its end is taken over and its event published again.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from common.events import SegmentReady, Turn
from common.ids import segment_id
from common.logs import get_logger
from common.ports.blob_store import Created
from segmenter_service.holding import Holding
from segmenter_service.lane import Lane
from segmenter_service.segment_audio import PADDING_MS, flac_of
from segmenter_service.voice_activity import FRAME_MS

log = get_logger(__name__)
TURN_MARGIN_MS: Final = 5_000
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
    name = holding.objects.final_segment(channel, start_frame * FRAME_MS)
    metadata = {END_FRAME: str(end_frame), REVISION: str(revision), "meeting-id": holding.state.meeting_id}
    if holding.around.blobs.create(name, flac_of(samples), metadata) is not Created.CREATED:
        there = holding.around.blobs.info(name).metadata
        end_frame, revision = int(there[END_FRAME]), int(there[REVISION])
    announce(holding, channel, start_frame, end_frame, name, revision=revision, final=True)
    return end_frame


def write_provisional(holding: Holding, lane: Lane, samples: NDArray[np.int16]) -> None:
    """Store and announce the open segment of `lane` as it is now."""
    lane.revision += 1
    lane.provisional_end_frame = lane.end_frame
    name = holding.objects.provisional_segment(lane.channel, lane.start_frame * FRAME_MS, lane.revision)
    holding.around.blobs.create(name, flac_of(samples), {END_FRAME: str(lane.end_frame)})
    announce(holding, lane.channel, lane.start_frame, lane.end_frame, name, revision=lane.revision, final=False)


def forget_provisional(holding: Holding, channel: int, start_frame: int, revisions: int) -> None:
    """Delete the audio of provisional revisions that a final one has replaced. A worker that still wants one drops it."""
    for revision in range(1, revisions + 1):
        holding.around.blobs.delete(holding.objects.provisional_segment(channel, start_frame * FRAME_MS, revision))


def announce(
    holding: Holding, channel: int, start_frame: int, end_frame: int, name: str, *, revision: int, final: bool
) -> None:
    """Publish the event of a revision whose audio is stored."""
    state = holding.state
    start_ms, end_ms = start_frame * FRAME_MS, end_frame * FRAME_MS
    segment = segment_id(holding.connection_id, channel, start_ms)
    event = SegmentReady(
        tenant=holding.tenant,
        meeting_id=state.meeting_id,
        connection_id=holding.connection_id,
        segment_id=segment,
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
    )
    holding.around.publisher.publish(event)
    log.info("segment_announced", segment_id=segment, revision=revision, final=final, length_ms=end_ms - start_ms)
