"""What the bucket holds and no event has told of: events are lost when ingest dies after storing, or a broker forgets them.

Looked for only where nothing has moved for a while, so a stream that is fed costs no listing.
"""

from collections.abc import Iterator
from typing import Final

from common.events import ChunkStored, StreamEnded
from common.object_names import seq_of
from common.ports.blob_store import BlobNotFound
from common.stored_chunks import event_of_chunk, event_of_content
from segmenter_service.holding import Holding
from segmenter_service.mail import Mail
from segmenter_service.state import MissedChunks

QUIET_MS: Final = 10_000
"""Longer than uploaders pause between two chunks (a few seconds), shorter than what time alone decides: a gap, an idle flush."""


def is_quiet(holding: Holding) -> bool:
    """True when something may be missing: no chunk was drained for long, or the sweep finds a closed state of a stream that the registry
    has as open, because who was to go on with it, or to store its account, has died.
    """
    state = holding.state
    quiet_ms = min(QUIET_MS, holding.around.settings.idle_flush_sec * 1000)
    return state.closed or holding.now_ms - max(state.last_arrival_ms, state.opened_at_ms) >= quiet_ms


def unannounced(holding: Holding, mail: Mail) -> Iterator[ChunkStored | StreamEnded]:
    """The chunks that are still to be drained, and the end, where neither `mail` nor the state knows of them.

    One listing from `next_seq` on, one more for each gap that has chunks missing, and one read while there is no end.
    """
    state, objects = holding.state, holding.objects
    for gap in state.gaps:
        yield from late_in_bucket(holding, gap, mail)
    for info in holding.around.blobs.list(objects.chunks_prefix, start_after=_before(holding, state.next_seq)):
        if seq_of(info.name) not in mail.chunks:
            yield event_of_chunk(holding.tenant, holding.connection_id, info)
    if state.last_seq is None and mail.end is None:
        try:
            yield event_of_content(holding.around.blobs.read(objects.end), StreamEnded)
        except BlobNotFound:
            return


def late_in_bucket(holding: Holding, gap: MissedChunks, mail: Mail) -> Iterator[ChunkStored]:
    """The chunks of a gap that came after all."""
    if len(gap.late) > gap.to_seq - gap.from_seq:
        return
    for info in holding.around.blobs.list(holding.objects.chunks_prefix, start_after=_before(holding, gap.from_seq)):
        seq = seq_of(info.name)
        if seq > gap.to_seq:
            return
        if seq not in gap.late and seq not in mail.chunks:
            yield event_of_chunk(holding.tenant, holding.connection_id, info)


def _before(holding: Holding, seq: int) -> str:
    return holding.objects.chunk(seq - 1) if seq else ""
