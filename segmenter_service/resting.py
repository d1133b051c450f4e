"""When an observation may wait for the next chunk: its drain would change the timeline and nothing that anybody sees. Pure.

Observations come once a second and would each move the whole hot state to and fro. Where no cut waits for who spoke and nothing else is
due, they lie in the mailbox until a chunk, the end, or the sweep takes them along: each of these reads all mail before it decides. What
is about segments that are announced already does not wait: they may get other speakers.
"""

from typing import Final

from segmenter_service.announced import REACH_MS
from segmenter_service.mailbox import Rest
from segmenter_service.state import ConnectionState
from segmenter_service.timeline import SEAM_MS

MOST_WAITING: Final = 64
"""Items in a mailbox; with more it is drained whatever they are."""


def rest_of(state: ConnectionState, *, waits_for_speakers: bool) -> Rest | None:
    """From when on observations may wait; None where nothing may, because something could follow from any of them.

    `waits_for_speakers`: audio is there for a cut, and who spoke up to it is not known.
    """
    if (
        waits_for_speakers
        or state.closed
        or state.last_seq is not None  # the end may wait for the last observations
        or state.missing_since_ms is not None  # time counts there, and any push looks at the clock
        or any(each.due for each in state.announced)
    ):
        return None
    from_ms = max((each.end_ms + REACH_MS + SEAM_MS for each in state.announced), default=-REACH_MS)
    shift_ms = state.timeline.epoch_shift_ms
    return Rest(stream_from_ms=from_ms, epoch_from_ms=0 if shift_ms is None else from_ms + shift_ms)
