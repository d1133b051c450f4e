"""The ids of live events: where in the changes of a meeting a reader is, and of what. Pure.

`{position}-{state}`: everything that changed before the position has been sent, as it looks in that state. The position is the
transcript store's, so an id means the same in every process. The state is a short hash of what all segments' look depends on: the
transcription that is shown, the meeting's clock, its speakers' names, its connections where they matter. Whoever comes with another state begins anew.
"""

import re
import zlib
from collections.abc import Mapping
from typing import Final

import msgspec

from common.ports.stream_registry import StreamRecord
from common.ports.transcript_store import POSITION_DIGITS
from transcribe_service.connections.presence import Connected

BEGINNING: Final = "0" * POSITION_DIGITS
_ID: Final = re.compile(rf"([0-9]{{{POSITION_DIGITS}}})-([0-9a-f]{{8}})")


class EventId(msgspec.Struct, frozen=True):
    """A place in what is sent of a meeting."""

    position: str
    state: str

    def __str__(self) -> str:
        return f"{self.position}-{self.state}"


class Look(msgspec.Struct, frozen=True):
    """What the look of every segment of a meeting depends on."""

    opened_at_ms: int = 0
    stored_as: str = ""
    epoch_ms: int = 0
    speaker_names: Mapping[str, str] = {}
    sharing: tuple[StreamRecord, ...] = ()
    """The connections that stand in for one another, where there are several."""
    connected: tuple[Connected, ...] = ()
    """Who was there when."""

    def state(self) -> str:
        """As ids have it."""
        return f"{zlib.crc32(msgspec.json.encode(self, order='deterministic')):08x}"


def parsed(text: str) -> EventId | None:
    """The id that a reader comes with; None where it is none of ours."""
    found = _ID.fullmatch(text)
    return EventId(found[1], found[2]) if found else None


def is_of_nothing(text: str) -> bool:
    """Whether who comes with this id has no segment: all of them have later positions, and a `reset` has this one too."""
    found = parsed(text)
    return found is not None and found.position == BEGINNING
