"""How many attempts one process makes at a time, of each receiver and in all, so that who hangs holds few threads and nobody else's.

A receiver in good health has two places, one that did not answer has one, after a pause that grows; all of those that did not answer
together have at most half of what there is. Who finds the receiver's places taken goes away: what it came for is in the store, and
whoever has the place looks once more before leaving.
"""

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from common.clock import Clock

FOR_EACH: Final = 2
PAUSES_S: Final = (5.0, 30.0, 60.0, 120.0, 300.0)
"""How long a receiver is left alone after it did not answer once, twice …"""
Receiver = tuple[str, str]
"""Tenant and receiver."""


class Entry(Enum):
    """How asking for a place ended."""

    TAKEN = "taken"
    """It is yours; `leave` it."""
    IN_HAND = "in hand"
    """Others are at this receiver, and will see what you came for."""
    RESTING = "resting"
    """The receiver is left alone for now; the sweep comes back to it."""
    FULL = "full"
    """All places of the process are taken by other receivers."""


@dataclass(slots=True)
class _State:
    inside: int = 0
    failures: int = 0
    rests_until_s: float = 0.0
    look_again: bool = field(default=False)


class ReceiverPlaces:
    """Safe to use from many threads. Forgets a receiver that is well once nobody is at it."""

    def __init__(self, places: int, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[Receiver, _State] = {}

    def enter(self, receiver: Receiver) -> Entry:
        """Ask for a place."""
        with self._lock:
            state = self._states.setdefault(receiver, _State())
            entry = self._entry(state)
            if entry is Entry.TAKEN:
                state.inside += 1
            elif entry is Entry.IN_HAND:
                state.look_again = True
            self._forget_if_well(receiver, state)
            return entry

    def leave(self, receiver: Receiver) -> bool:
        """Give the place back. False where somebody was sent away meanwhile: then it is still yours, look once more."""
        with self._lock:
            state = self._states[receiver]
            if state.look_again and not self._rests(state):
                state.look_again = False
                return False
            self._give_back(receiver, state)
            return True

    def leave_anyway(self, receiver: Receiver) -> None:
        """Give the place back, whoever was sent away."""
        with self._lock:
            self._give_back(receiver, self._states[receiver])

    def answered(self, receiver: Receiver) -> None:
        """It answered: it is well."""
        with self._lock:
            state = self._states[receiver]
            state.failures, state.rests_until_s = 0, 0.0

    def did_not_answer(self, receiver: Receiver, asked_s: float) -> None:
        """It hung, was not there, or asked to be left alone for `asked_s` seconds."""
        with self._lock:
            state = self._states[receiver]
            pause_s = PAUSES_S[min(state.failures, len(PAUSES_S) - 1)]
            state.failures += 1
            state.rests_until_s = self._clock.monotonic_s() + max(pause_s, min(asked_s, PAUSES_S[-1]))

    def rests(self, receiver: Receiver) -> bool:
        """Whether it is left alone now."""
        with self._lock:
            state = self._states.get(receiver)
            return state is not None and self._rests(state)

    def _entry(self, state: _State) -> Entry:
        if self._rests(state):
            return Entry.RESTING
        if state.inside >= (1 if state.failures else FOR_EACH):
            return Entry.IN_HAND
        if sum(each.inside for each in self._states.values()) >= self._places:
            return Entry.FULL
        unwell = sum(each.inside for each in self._states.values() if each.failures)
        if state.failures and unwell >= max(1, self._places // 2):
            return Entry.RESTING
        return Entry.TAKEN

    def _rests(self, state: _State) -> bool:
        return self._clock.monotonic_s() < state.rests_until_s

    def _give_back(self, receiver: Receiver, state: _State) -> None:
        state.inside -= 1
        state.look_again = False
        self._forget_if_well(receiver, state)

    def _forget_if_well(self, receiver: Receiver, state: _State) -> None:
        if not state.inside and not state.failures:
            self._states.pop(receiver, None)
