"""What was said last on each lane, for WHISPER_CARRY_TEXT. Kept in the process alone: it is a hint, and worth no call to a store."""

import threading
from collections import OrderedDict
from typing import Final

import msgspec

from common.events import SegmentReady
from common.ports.transcript_store import Word

CARRIED_WORDS: Final = 60
NEAR_MS: Final = 30_000
"""Speech before a longer pause says nothing of what comes after it."""
KEPT: Final = 2_000
"""Lanes."""


class _Said(msgspec.Struct, frozen=True):
    end_ms: int
    text: str


class CarriedText:
    """The last words of each lane's final segments. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: OrderedDict[tuple[str, str, int, str], _Said] = OrderedDict()

    def before(self, event: SegmentReady) -> str:
        """What was said right before the segment, as far as this process knows; empty otherwise."""
        with self._lock:
            said = self._said.get(_lane(event))
        return said.text if said and 0 <= event.start_ms - said.end_ms <= NEAR_MS else ""

    def say(self, event: SegmentReady, words: tuple[Word, ...]) -> None:
        """A final segment has these words."""
        text = " ".join(word.text for word in words[-CARRIED_WORDS:])
        with self._lock:
            self._said[_lane(event)] = _Said(event.end_ms, text)
            self._said.move_to_end(_lane(event))
            while len(self._said) > KEPT:
                self._said.popitem(last=False)


def _lane(event: SegmentReady) -> tuple[str, str, int, str]:
    return event.tenant, event.connection_id, event.channel, event.take
