"""Hot state from the bucket: for a connection that is new, and for one whose Redis keys are gone.

The last checkpoint is the state; what came after it is listed and drained again. Decisions that are durable already (final
segments, gaps) are taken over and not made a second time.
"""

from collections.abc import Iterator

import msgspec

from common.events import ChunkStored, SpeakersObserved, StreamEnded, StreamOptions
from common.logs import get_logger
from common.object_names import ConnectionObjects, channel_and_start_of, seq_of
from common.ports.blob_store import BlobNotFound, BlobStore
from common.stored_chunks import StreamDescription, event_of_chunk, event_of_content, stream_description
from segmenter_service.mail import Item
from segmenter_service.observations import stored_after
from segmenter_service.replaying import forget_what_was_put_aside
from segmenter_service.segments import END_FRAME
from segmenter_service.state import ConnectionState, DurableFinal, decode_state, encode_state
from segmenter_service.voice_activity import FRAME_MS

log = get_logger(__name__)


class GapRecord(msgspec.Struct, frozen=True):
    """Content of a gap's object: what was given up, and the reader before it."""

    from_seq: int
    to_seq: int
    from_sample: int
    reader: bytes


def rebuilt(
    blobs: BlobStore, objects: ConnectionObjects, meeting_id: str, now_ms: int
) -> tuple[ConnectionState, list[Item]]:
    """The state at the last checkpoint (or a new one), and the events of everything that was uploaded since.

    `meeting_id` serves where the connection has no description (which ingest writes before anything else).
    """
    state = _last_checkpoint(blobs, objects)
    if state is None:
        described = _description(blobs, objects)
        state = ConnectionState(
            meeting_id=described.meeting_id if described else meeting_id,
            opened_at_ms=_opened_at_ms(described, now_ms),
            options=(described and described.options) or StreamOptions(),
            generation=objects.generation,
        )
        if objects.generation:
            forget_what_was_put_aside(blobs, objects)
    state.durable_finals = list(_finals_after(blobs, objects, state))
    state.durable_gaps = list(_gaps_from(blobs, objects, state.next_seq))
    uploaded = list(_uploaded_since(blobs, objects, state))
    has_header = any(isinstance(event, ChunkStored) and event.seq == 0 for event in uploaded)
    if has_header and state.durable_gaps[:1] and state.durable_gaps[0][0] == 0 and not state.durable_finals:
        forget_what_was_given_up(blobs, objects)
        state.durable_gaps = []
    if state.next_seq or uploaded:
        log.info("hot_state_rebuilt", next_seq=state.next_seq, events=len(uploaded), finals=len(state.durable_finals))
    return state, uploaded


def write_checkpoint(blobs: BlobStore, objects: ConnectionObjects, state: ConnectionState) -> None:
    """Make `state` the place from which a rebuild starts."""
    state.checkpoint_sample = state.decoded_samples
    blobs.create(objects.checkpoint(state.next_seq), encode_state(state))


def forget_what_was_given_up(blobs: BlobStore, objects: ConnectionObjects) -> None:
    """Take back the gap at the beginning, and what was put aside because of it: the stream is read anew, from chunk 0."""
    for info in list(blobs.list(objects.quarantine_prefix)):
        blobs.delete(info.name)
    blobs.delete(objects.gap(0))
    log.info("header_came_late")


def _last_checkpoint(blobs: BlobStore, objects: ConnectionObjects) -> ConnectionState | None:
    for name in reversed([info.name for info in blobs.list(objects.checkpoints_prefix)]):
        state = decode_state(blobs.read(name))
        if state is not None:
            return state
    return None


def _description(blobs: BlobStore, objects: ConnectionObjects) -> StreamDescription | None:
    try:
        return stream_description(blobs.read(objects.stream))
    except BlobNotFound:
        return None


def _opened_at_ms(described: StreamDescription | None, now_ms: int) -> int:
    """When the uploader came: of a meeting's connections the earliest is primary, in whatever order their events arrive.

    Never later than now, whatever the clock of that ingest said: waits are counted from here.
    """
    return min(described.opened_at_ms, now_ms) if described and described.opened_at_ms else now_ms


def _finals_after(blobs: BlobStore, objects: ConnectionObjects, state: ConnectionState) -> Iterator[DurableFinal]:
    starts = {lane.channel: lane.start_frame for lane in state.lanes}
    for info in blobs.list(objects.finals_prefix):
        channel, start_ms = channel_and_start_of(info.name)
        start_frame = start_ms // FRAME_MS
        if start_frame >= starts.get(channel, 0):
            yield DurableFinal(channel, start_frame, int(info.metadata[END_FRAME]))


def _gaps_from(blobs: BlobStore, objects: ConnectionObjects, next_seq: int) -> Iterator[tuple[int, int]]:
    for info in blobs.list(objects.gaps_prefix):
        if seq_of(info.name) >= next_seq:
            gap = msgspec.msgpack.decode(blobs.read(info.name), type=GapRecord)
            yield gap.from_seq, gap.to_seq


def _uploaded_since(blobs: BlobStore, objects: ConnectionObjects, state: ConnectionState) -> Iterator[Item]:
    first = min([state.next_seq, *(gap.from_seq for gap in state.gaps)])
    for info in blobs.list(objects.chunks_prefix, start_after=objects.chunk(first - 1) if first else ""):
        if seq_of(info.name) >= state.next_seq or state.gap_with(seq_of(info.name)):
            yield event_of_chunk(objects.tenant, objects.connection_id, info)
    # Audio before the uncut span is cut already; its speakers still name those who speak at the beginning of that span.
    for name in stored_after(blobs, objects, state, state.timeline.pruned_before_ms):
        yield event_of_content(blobs.read(name), SpeakersObserved)
    try:
        yield event_of_content(blobs.read(objects.end), StreamEnded)
    except BlobNotFound:
        return
