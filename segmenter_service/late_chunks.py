"""Chunks that came after their gap was named: read on their own, with the reader as it stood before the gap, and cut into
segments that fit into the gap. The transcript merges them by time.
"""

from collections.abc import Container

import msgspec

from common.errors import Permanent
from common.logs import get_logger
from common.ports.blob_store import BlobNotFound
from segmenter_service.audio.reader import AudioReader
from segmenter_service.cutter import policy_of
from segmenter_service.cutting import UNLIMITED_MS, Cut, Skip, Span, decide
from segmenter_service.decoding import new_reader
from segmenter_service.feeding import set_aside
from segmenter_service.holding import Holding
from segmenter_service.lane import Lane
from segmenter_service.pcm_window import PcmWindow
from segmenter_service.recovery import GapRecord
from segmenter_service.segments import turns_around, write_final
from segmenter_service.state import ConnectionState, DurableFinal, MissedChunks
from segmenter_service.voice_activity import FRAME_MS, FRAME_SAMPLES

log = get_logger(__name__)


def note_late(holding: Holding, seq: int) -> None:
    """Remember a chunk that lies before `next_seq`. Anything but a late one was drained already: a duplicate."""
    gap = holding.state.gap_with(seq)
    if gap is not None and seq not in gap.late:
        gap.late.append(seq)
        holding.state.closed = False


def header_came_late(state: ConnectionState, chunks: Container[int]) -> bool:
    """True when chunk 0 was given up and is there now, and nothing could be read without the header that it carries."""
    gap = state.gap_with(0)
    return gap is not None and not state.lanes and (0 in chunks or 0 in gap.late)


def fill_gaps(holding: Holding, *, closing: bool) -> None:
    """Cut the late audio of every gap that is complete; with `closing`, of every gap that has any."""
    for gap in holding.state.gaps:
        missing = gap.to_seq - gap.from_seq + 1 - len(gap.late)
        if len(gap.late) > gap.late_done and (closing or not missing) and gap.to_sample is not None:
            _fill(holding, gap)
            gap.late_done = len(gap.late)


def _fill(holding: Holding, gap: MissedChunks) -> None:
    first_frame, end_frame = _free_frames(gap)
    if end_frame <= first_frame:
        _set_aside(holding, gap)
        return
    window = _late_audio(holding, gap)
    from_sample, to_sample = first_frame * FRAME_SAMPLES, end_frame * FRAME_SAMPLES
    for lane in holding.state.lanes:
        samples = window.read(from_sample, to_sample, len(holding.state.lanes))[lane.channel]
        late = Lane(channel=lane.channel, start_frame=first_frame, scored_samples=from_sample)
        late.hear(from_sample, samples, holding.around.scorer)
        late.activity = _without(late, gap.filled)
        while _cut(holding, late, window, gap):
            holding.still_mine()
        lane.segments += late.segments
        lane.segment_frames += late.segment_frames
        lane.silence_frames -= late.segment_frames  # it was counted as silence when the gap was passed over


def _free_frames(gap: MissedChunks) -> tuple[int, int]:
    """The frames that no other segment reaches into."""
    to_sample = gap.from_sample if gap.to_sample is None else gap.to_sample
    return -(-gap.from_sample // FRAME_SAMPLES), to_sample // FRAME_SAMPLES


def _set_aside(holding: Holding, gap: MissedChunks) -> None:
    """Some containers have no clock: what follows a gap in them joins what was before it, and leaves no place in time."""
    for seq in gap.late[gap.late_done :]:
        problem = "the chunk came after its gap was closed, in a container without timestamps"
        set_aside(holding, f"{seq:08d}", Permanent(problem, reason="no_place_in_time"))


def _late_audio(holding: Holding, gap: MissedChunks) -> PcmWindow:
    """The audio of the gap: its late chunks, and as many after it as it takes to complete the last block."""
    record = msgspec.msgpack.decode(holding.around.blobs.read(holding.objects.gap(gap.from_seq)), type=GapRecord)
    reader = AudioReader.restore(record.reader) if record.reader else new_reader(holding.state)
    window = PcmWindow(gap.from_sample, gap.from_sample)
    lost = False
    for seq in range(gap.from_seq, min(gap.to_seq + 3, holding.state.next_seq)):
        holding.still_mine()
        if seq in gap and seq not in gap.late:
            lost = True
            continue
        if lost:
            reader.lost()
            lost = False
        try:
            for block in reader.feed(holding.around.blobs.read(holding.objects.chunk(seq))):
                window.append(block)
        except (Permanent, BlobNotFound):
            log.warning("late_chunk_unreadable", seq=seq)
    return window


def _without(late: Lane, filled: list[DurableFinal]) -> bytes:
    """The activity of `late` with what earlier late chunks have filled already as silence."""
    activity = bytearray(late.activity)
    for final in filled:
        if final.channel == late.channel:
            first = max(0, final.start_frame - late.start_frame)
            end = min(len(activity), final.end_frame - late.start_frame)
            activity[first:end] = bytes(max(0, end - first))
    return bytes(activity)


def _cut(holding: Holding, late: Lane, window: PcmWindow, gap: MissedChunks) -> bool:
    start_ms, end_ms = late.start_frame * FRAME_MS, late.end_frame * FRAME_MS
    decision = decide(
        Span(late.start_frame, late.activity),
        turns_around(holding, start_ms, end_ms),
        UNLIMITED_MS,
        policy_of(holding.around.settings),
        ended=True,
    )
    match decision:
        case Cut(end_frame):
            start_frame = late.start_frame
            samples = window.read(start_frame * FRAME_SAMPLES, end_frame * FRAME_SAMPLES, len(holding.state.lanes))
            decided = write_final(holding, late.channel, start_frame, end_frame, samples[late.channel], revision=1)
            late.cut(min(decided, late.end_frame))
            gap.filled.append(DurableFinal(late.channel, start_frame, decided))
        case Skip(to_frame):
            late.skip(to_frame)
        case _:
            return False
    return True
