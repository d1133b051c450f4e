"""What is left of a meeting, by kind. Pure but for the struct's own sums."""

from typing import Final

import msgspec

COUNTED: Final = 1_000
"""No kind is counted further."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """How many things were found of a meeting that is being deleted; each counted up to 1,000."""

    objects: int
    """What was uploaded: chunks, speaker activity, descriptions; and what stands for it: marks, dead letters."""
    segments: int
    """What was made of it: audio of segments, their events, checkpoints."""
    hot_state: int
    """Connections whose state in Redis nobody has found to be gone yet."""
    records: int
    """Transcribed segments, and what is known of the meeting and of work on it."""

    @property
    def nothing(self) -> bool:
        """True when nothing was found."""
        return not (self.objects or self.segments or self.hot_state or self.records)


def counted(*, objects: int, segments: int, hot_state: int, records: int) -> Left:
    """The counts, as far as they are told."""
    return Left(
        objects=min(objects, COUNTED),
        segments=min(segments, COUNTED),
        hot_state=min(hot_state, COUNTED),
        records=min(records, COUNTED),
    )
