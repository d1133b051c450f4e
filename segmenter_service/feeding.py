"""Drains chunks in order of seq into reader, lanes and window; names gaps; puts aside what cannot be read."""

from typing import Final

import msgspec

from common.errors import Permanent
from common.logs import get_logger
from common.object_names import seq_of
from common.ports.blob_store import BlobNotFound
from common.stored_chunks import event_of_chunk
from segmenter_service import observations
from segmenter_service.audio.reader import AudioReader, PcmBlock
from segmenter_service.cutter import cut_what_is_ready
from segmenter_service.decoding import reader_of
from segmenter_service.holding import Holding
from segmenter_service.lane import Lane
from segmenter_service.mail import ChunkMail
from segmenter_service.pcm_window import fitted
from segmenter_service.recovery import GapRecord
from segmenter_service.segment_audio import channels_of
from segmenter_service.state import OFFSET_CHUNKS, SAMPLES_PER_MS, Arrival, MissedChunks
from segmenter_service.synchronising import set_clock
from segmenter_service.voice_activity import FRAME_SAMPLES

log = get_logger(__name__)
CUT_AFTER_BYTES: Final = 16 << 20
"""Decoded audio of one chunk: nine minutes of one channel."""
MAX_LANES: Final = 8
"""More channels than this are mixed down: nobody records so many speakers apart."""


def next_chunk(holding: Holding, chunks: dict[int, ChunkMail]) -> ChunkMail | None:
    """The mail of chunk `next_seq`, or None while it is missing. Names a gap and goes on when its time has come."""
    state = holding.state
    while (gap_to := _durable_gap_at(holding)) is not None or state.next_seq not in chunks:
        if gap_to is None:
            if not _missed_for_good(holding, chunks):
                return None
            adopt_from_bucket(holding, chunks)
            gap_to = _last_missing(holding, chunks)
        if gap_to is not None:
            gap = _give_up(holding, gap_to)
            gap.late += sorted(seq for seq in chunks if seq in gap)  # found by recovery beside the decision
    state.missing_since_ms = None
    return chunks[state.next_seq]


def _durable_gap_at(holding: Holding) -> int | None:
    return next((to for first, to in holding.state.durable_gaps if first == holding.state.next_seq), None)


def _last_missing(holding: Holding, chunks: dict[int, ChunkMail]) -> int | None:
    """The last chunk of the gap at `next_seq`, or None when nothing says that there is one."""
    state = holding.state
    if state.next_seq in chunks:
        return None
    ahead = [seq for seq in chunks if seq > state.next_seq]
    if ahead:
        return min(ahead) - 1
    if state.last_seq is not None and state.last_seq >= state.next_seq:
        return state.last_seq
    return None


def _missed_for_good(holding: Holding, chunks: dict[int, ChunkMail]) -> bool:
    """True when chunk `next_seq` should be there and has been missing for the gap deadline."""
    state = holding.state
    if _last_missing(holding, chunks) is None:
        state.missing_since_ms = None
        return False
    if state.missing_since_ms is None:
        state.missing_since_ms = holding.now_ms
    return holding.now_ms - state.missing_since_ms >= holding.around.settings.gap_deadline_sec * 1000


def adopt_from_bucket(holding: Holding, chunks: dict[int, ChunkMail]) -> None:
    """Add to `chunks` what the bucket has from `next_seq` on and no event has told of: a 2xx was given for it."""
    objects, state = holding.objects, holding.state
    after = objects.chunk(state.next_seq - 1) if state.next_seq else ""
    for info in holding.around.blobs.list(objects.chunks_prefix, start_after=after):
        if seq_of(info.name) not in chunks:
            event = event_of_chunk(holding.tenant, holding.connection_id, info)
            chunks[event.seq] = ChunkMail(event.captured_at_ms, event.options)


def _give_up(holding: Holding, to_seq: int) -> MissedChunks:
    state = holding.state
    reader = reader_of(state)
    # What lies between the last block and the gap is decoded with the first chunk after it.
    from_sample = max(state.decoded_samples, (reader.demuxed_end_ms or 0) * SAMPLES_PER_MS)
    record = GapRecord(state.next_seq, to_seq, from_sample, state.reader)
    holding.around.blobs.create(holding.objects.gap(state.next_seq), msgspec.msgpack.encode(record))
    gap = MissedChunks(from_seq=state.next_seq, to_seq=to_seq, from_sample=from_sample)
    state.gaps.append(gap)
    reader.lost()
    state.reader = reader.snapshot()
    log.warning("chunks_given_up", from_seq=state.next_seq, to_seq=to_seq)
    state.durable_gaps = [gap for gap in state.durable_gaps if gap[0] > state.next_seq]
    state.next_seq = to_seq + 1
    state.missing_since_ms = None
    return gap


def drain_chunk(holding: Holding, mail: ChunkMail) -> None:
    """Read chunk `next_seq` and move past it."""
    state = holding.state
    seq = state.next_seq
    if not state.chunks:
        if state.options != mail.options:
            holding.around.streams.describe(holding.tenant, holding.connection_id, mail.options)
        state.options = mail.options
        if mail.options.started_at_ms is not None:
            set_clock(holding, mail.options.started_at_ms)
    reader = reader_of(state)
    clocked = False
    try:
        data = holding.around.blobs.read(holding.objects.chunk(seq))
    except BlobNotFound:
        _give_up(holding, seq)  # deleted since: by its age or on somebody's wish
        return
    try:
        clocked = _hear_all(holding, reader, data, mail)
    except Permanent as error:
        set_aside(holding, f"{seq:08d}", error)
    state.reader = reader.snapshot()
    state.next_seq = seq + 1
    state.chunks += 1
    state.last_captured_at_ms = mail.captured_at_ms
    state.last_arrival_ms = holding.now_ms
    state.closed = False
    state.ended_at_ms = None
    if not clocked:
        _fix_clock(holding, reader.demuxed_end_ms, mail.captured_at_ms)
    state.arrivals.append(Arrival(state.decoded_samples // 16, holding.now_ms, mail.accepted_ms))


def _hear_all(holding: Holding, reader: AudioReader, data: bytes, mail: ChunkMail) -> bool:
    """Hear a chunk. True when the clock had to be fixed with it already.

    A chunk may be hours, of which no more is to be kept than a segment: then what is ready is cut as it comes. The reader knows its
    end before it has decoded anything.
    """
    clocked = False
    uncut_bytes = 0
    for block in reader.feed(data):
        hear(holding, block)
        holding.still_mine()
        uncut_bytes += block.samples.nbytes
        if uncut_bytes >= CUT_AFTER_BYTES:
            if not clocked:
                _fix_clock(holding, reader.demuxed_end_ms, mail.captured_at_ms)
            clocked = True
            cut_what_is_ready(holding)
            uncut_bytes = 0
    return clocked


def _fix_clock(holding: Holding, end_ms: int | None, captured_at_ms: int) -> None:
    state = holding.state
    if end_ms is None or state.offset_chunks >= OFFSET_CHUNKS or state.options.started_at_ms is not None:
        return
    offset_ms = captured_at_ms - end_ms
    set_clock(holding, offset_ms if state.epoch_offset_ms is None else min(state.epoch_offset_ms, offset_ms))
    state.offset_chunks += 1


def hear(holding: Holding, block: PcmBlock) -> None:
    """Put a decoded block into the lanes and the window."""
    state = holding.state
    if not state.lanes:
        width = block.samples.shape[0]
        state.lanes = [Lane(channel=channel) for channel in range(width if width <= MAX_LANES else 1)]
    for gap in state.last_gaps:
        if block.first_sample >= gap.from_sample:
            gap.to_sample = block.first_sample
            _pass_over(holding, gap.to_sample // FRAME_SAMPLES)
    mono = channels_of(fitted(block.samples, len(state.lanes)))
    for lane, samples in zip(state.lanes, mono, strict=True):
        lane.hear(block.first_sample, samples, holding.around.scorer)
    holding.window.append(block)
    state.decoded_samples = max(state.decoded_samples, block.first_sample + block.samples.shape[1])


def _pass_over(holding: Holding, to_frame: int) -> None:
    """Leave a gap to the chunks that may still come: no segment of the others reaches into it."""
    for lane in holding.state.lanes:
        lane.finish(holding.around.scorer)
    observations.adopt_from_bucket(holding)
    cut_what_is_ready(holding, ended=True)
    for lane in holding.state.lanes:
        lane.pass_over(to_frame)


def set_aside(holding: Holding, item: str, error: Permanent) -> None:
    """Quarantine a chunk: its bytes are durable where they were uploaded, and this says what is wrong with them."""
    reason = {"reason": error.reason, "detail": str(error)}
    holding.around.blobs.create(holding.objects.quarantine(item), msgspec.json.encode(reason), reason)
    holding.state.quarantined += 1
    log.warning("chunk_quarantined", item=item, reason=error.reason)
