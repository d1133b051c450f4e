"""The end of a stream: flush, last segments, the account of its audio. And its going on after all."""

import msgspec

from common.errors import Permanent
from common.logs import get_logger
from common.ports.stream_registry import StreamRecord, StreamRegistry, StreamSummary
from segmenter_service.cutter import cut_what_is_ready
from segmenter_service.decoding import reader_of
from segmenter_service.feeding import hear, set_aside
from segmenter_service.holding import Holding
from segmenter_service.observations import adopt_from_bucket, stored_observations
from segmenter_service.state import SAMPLES_PER_MS
from segmenter_service.synchronising import set_clock
from segmenter_service.voice_activity import FRAME_MS

log = get_logger(__name__)


def time_to_close(holding: Holding) -> bool:
    """True when every chunk up to the uploader's end is drained and its speakers are in, or when nothing came for long."""
    state = holding.state
    if state.closed:
        return False
    if state.last_seq is None or state.next_seq <= state.last_seq:
        idle_ms = holding.now_ms - max(state.last_arrival_ms, state.opened_at_ms)
        is_idle = idle_ms >= holding.around.settings.idle_close_sec * 1000
        return is_idle and state.missing_since_ms is None and holding.looked
    if state.ended_at_ms is None:
        state.ended_at_ms = holding.now_ms
    if state.observations_sent is None or stored_observations(holding) >= state.observations_sent:
        return True
    return holding.now_ms - state.ended_at_ms >= holding.around.settings.speaker_wait_sec * 1000


def time_to_flush(holding: Holding) -> bool:
    """True when an open stream has been silent for so long that its open segments become final."""
    state = holding.state
    is_idle = holding.now_ms - state.last_arrival_ms >= holding.around.settings.idle_flush_sec * 1000
    return is_idle and not state.closed and holding.looked


def flush(holding: Holding) -> None:
    """Make what is decoded and uncut the last segments so far."""
    cut_what_is_ready(holding, ended=True)


def close(holding: Holding) -> None:
    """Flush the reader, and cut everything that is left; the account is due then."""
    state = holding.state
    adopt_from_bucket(holding, of_cut_audio=True)
    decoded_before = state.decoded_samples
    try:
        _fix_clock(holding)
        # A reader of its own: should more chunks come after all, they go on from the state before the flush.
        reader = reader_of(state)
        for block in reader.finish(holding.uploaded):
            hear(holding, block)
            # What is decoded at the end at once may be a whole recording: cut as it comes, keep no more than a segment.
            cut_what_is_ready(holding, all_speakers_known=True)
            holding.still_mine()
    except Permanent as error:
        set_aside(holding, "end", error)
    for lane in state.lanes:
        lane.finish(holding.around.scorer)
    cut_what_is_ready(holding, ended=True)
    state.closed = state.account_due = True
    log.info("stream_closed", chunks=state.chunks, flushed_ms=(state.decoded_samples - decoded_before) // 16)


def open_again(streams: StreamRegistry, tenant: str, connection_id: str) -> None:
    """Take the account of a stream back that goes on: from then on the sweep looks after it."""

    def without_account(record: StreamRecord) -> StreamRecord:
        return record if record.without_audio else msgspec.structs.replace(record, summary=None)

    streams.change(tenant, connection_id, without_account)


def _fix_clock(holding: Holding) -> None:
    """A recording that can only be read whole shows its length at the end: what it was recorded at follows from that."""
    state = holding.state
    if state.epoch_offset_ms is None:
        blocks = reader_of(state).finish(holding.uploaded)
        end_sample = max((block.first_sample + block.samples.shape[1] for block in blocks), default=0)
        set_clock(holding, state.last_captured_at_ms - end_sample // 16)


def account(holding: Holding) -> StreamSummary:
    """What became of the audio, to the millisecond: the last frame of a lane may reach past the last sample, and counts up to that."""
    state = holding.state
    audio_ms = state.decoded_samples // SAMPLES_PER_MS
    segment_ms = sum(lane.segment_frames for lane in state.lanes) * FRAME_MS
    silence_ms = sum(lane.silence_frames for lane in state.lanes) * FRAME_MS
    for lane in state.lanes:
        beyond_ms = max(0, lane.start_frame * FRAME_MS - audio_ms)
        if lane.ends_in_segment:
            segment_ms -= beyond_ms
        else:
            silence_ms -= beyond_ms
    return StreamSummary(
        closed_at_ms=holding.now_ms,
        chunks=state.chunks,
        audio_ms=audio_ms * len(state.lanes),
        segments=sum(lane.segments for lane in state.lanes),
        segment_ms=segment_ms,
        silence_skipped_ms=silence_ms,
        gaps=tuple(gap.described() for gap in state.gaps),
        quarantined=state.quarantined,
        generation=state.generation,
        channels=max(1, len(state.lanes)),
        epoch_offset_ms=state.epoch_offset_ms,
    )
