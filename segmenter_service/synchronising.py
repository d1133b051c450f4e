"""Where audio and speaker indications meet: the connection's clock, and how far what is shown trails what is heard.

The delay is the deployment's, or with `SPEAKER_DELAY_SEC=auto` the connection's own, which moves with what is cut
(`segmenter_service.speaker_delay`).
"""

from segmenter_service.announced import touch
from segmenter_service.cutting import CutPolicy
from segmenter_service.holding import Holding
from segmenter_service.lane import Lane
from segmenter_service.relabelling import relabel
from segmenter_service.speaker_delay import EARLIEST_MS, LATEST_MS
from segmenter_service.state import OFFSET_CHUNKS, ConnectionState
from segmenter_service.timeline import ALWAYS_MS
from segmenter_service.voice_activity import FRAME_MS


def set_clock(holding: Holding, epoch_offset_ms: int) -> None:
    """Say where stream time 0 lies.

    While a next chunk may say otherwise nothing is cut by it, because when the speakers come would decide where.
    """
    state = holding.state
    state.epoch_offset_ms = epoch_offset_ms
    is_last_word = state.options.started_at_ms is not None or state.offset_chunks >= OFFSET_CHUNKS - 1
    if state.timeline.synchronise(epoch_offset_ms, _delay_ms(holding), may_move=not is_last_word):
        touch(state.announced, -ALWAYS_MS, ALWAYS_MS)


def follow_speakers(holding: Holding, lane: Lane, to_frame: int, policy: CutPolicy, *, cut: bool) -> None:
    """Listen to what leaves the uncut span, up to `to_frame`; at a cut, see whether the delay has moved.

    Where it has, the segments that are announced get their speakers anew, by what is known at this cut: at once, so that it does
    not matter how much of the stream is drained together.
    """
    state = holding.state
    if holding.around.settings.speaker_delay_sec != "auto" or state.options.channels == "separate":
        return
    state.delay.listen(
        lane.start_frame, lane.activity[: to_frame - lane.start_frame], on=policy.speech_on, off=policy.speech_off
    )
    if not cut or not state.delay.waiting or state.epoch_offset_ms is None or not _clock_is_fixed(state):
        return
    offset_ms, cut_ms = state.epoch_offset_ms, to_frame * FRAME_MS
    from_ms, to_ms = state.delay.waiting[0] + EARLIEST_MS, cut_ms + LATEST_MS
    shown = state.timeline.epoch_onsets(from_ms + offset_ms, to_ms + offset_ms)
    if state.delay.compare(cut_ms, [onset - offset_ms for onset in shown]):
        set_clock(holding, offset_ms)
        relabel(holding, at_once=True)


def _delay_ms(holding: Holding) -> int:
    delay_sec = holding.around.settings.speaker_delay_sec
    return holding.state.delay.ms if delay_sec == "auto" else round(delay_sec * 1000)


def _clock_is_fixed(state: ConnectionState) -> bool:
    """False while another chunk may still move the offset, or would have if there were one."""
    few_chunks = state.last_seq is not None and state.last_seq < OFFSET_CHUNKS
    return few_chunks or state.offset_chunks >= OFFSET_CHUNKS or state.options.started_at_ms is not None
