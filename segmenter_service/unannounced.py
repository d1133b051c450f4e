"""What the bucket holds and no event has told of: events are lost when ingest dies after storing, or a broker forgets them.

Looked for only where nothing has moved for a while, so a stream that is fed costs no listing.
"""

from collections.abc import Iterable, Iterator
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

NEAR_CHUNKS: Final = 100
"""Between two gaps: what lies between them is listed too, which costs less than another listing. A page of one has a thousand names."""


def is_quiet(holding: Holding) -> bool:
    """True when something may be missing: no chunk was drained for long, or the sweep finds a closed state of a stream that the registry
    has as open, because who was to go on with it, or to store its account, has died.
    """
    state = holding.state
    quiet_ms = min(QUIET_MS, holding.around.settings.idle_flush_sec * 1000)
    return state.closed or holding.now_ms - max(state.last_arrival_ms, state.opened_at_ms) >= quiet_ms


def unannounced(holding: Holding, mail: Mail) -> Iterator[ChunkStored | StreamEnded]:
    """The chunks that are still to be drained, and the end, where neither `mail` nor the state knows of them.

    One listing from `next_seq` on, those of `late_in_bucket`, and one read while there is no end.
    """
    state, objects = holding.state, holding.objects
    yield from late_in_bucket(holding, mail)
    for info in holding.around.blobs.list(objects.chunks_prefix, start_after=_before(holding, state.next_seq)):
        if seq_of(info.name) not in mail.chunks:
            yield event_of_chunk(holding.tenant, holding.connection_id, info)
    if state.last_seq is None and mail.end is None:
        try:
            yield event_of_content(holding.around.blobs.read(objects.end), StreamEnded)
        except BlobNotFound:
            return


def late_in_bucket(holding: Holding, mail: Mail) -> Iterator[ChunkStored]:
    """The chunks of gaps that came after all. One listing for gaps that lie near each other."""
    state = holding.state
    for first_seq, last_seq in _spans(gap for gap in state.gaps if not gap.is_complete):
        for info in holding.around.blobs.list(holding.objects.chunks_prefix, start_after=_before(holding, first_seq)):
            seq = seq_of(info.name)
            if seq > last_seq:
                break
            gap = state.gap_with(seq)
            if gap is not None and seq not in gap.late and seq not in mail.chunks:
                yield event_of_chunk(holding.tenant, holding.connection_id, info)


def _spans(gaps: Iterable[MissedChunks]) -> Iterator[tuple[int, int]]:
    """From the first to the last chunk of gaps that lie near each other; `gaps` in order."""
    span: tuple[int, int] | None = None
    for gap in gaps:
        if span is not None and gap.from_seq - span[1] > NEAR_CHUNKS:
            yield span
            span = None
        span = (gap.from_seq if span is None else span[0], gap.to_seq)
    if span is not None:
        yield span


def _before(holding: Holding, seq: int) -> str:
    return holding.objects.chunk(seq - 1) if seq else ""
