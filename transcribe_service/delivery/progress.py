"""How a delivery moves: wanted, in hand, due again, ended. Pure; each function is a change that the store makes atomically.

Whoever takes a delivery in hand says until when it counts as lost, and gives it back changed only where nothing has changed it since:
so two that try at once do not both send it, and one that is killed in between has it sent again by the next.
"""

from typing import Final, Literal

import msgspec

from common.ports.delivery_store import Delivery

IN_HAND_MS: Final = 60_000
"""Longer than an attempt may take."""
KEPT_MS: Final = 7 * 86_400_000
"""How long it is remembered that something was delivered: as long as Pub/Sub may announce it again."""
replaced = msgspec.structs.replace


def wanted(found: Delivery | None, new: Delivery) -> Delivery | None:
    """`new` takes the place of what is older. While that is in hand, it waits for whoever has it."""
    if found is not None and found.rank >= new.rank:
        return None
    if found is not None and found.in_hand:
        return replaced(new, in_hand=True, due_ms=found.due_ms)
    return new


def wanted_again(found: Delivery | None, new: Delivery) -> Delivery | None:
    """`new` takes the place of what was given up, or forgotten; never of what is newer, delivered or on its way."""
    if found is None or (found.outcome == "dead" and found.rank <= new.rank):
        return new
    return wanted(found, new)


def taken(found: Delivery | None, seen: Delivery, now_ms: int) -> Delivery | None:
    """In hand, for one attempt; None where it is not as it was `seen`, or not due."""
    if found is None or found != seen or found.due_ms is None or found.due_ms > now_ms:
        return None
    return replaced(found, attempts=found.attempts + 1, in_hand=True, due_ms=now_ms + IN_HAND_MS)


def given_back(found: Delivery | None, mine: Delivery, settled: Delivery, now_ms: int) -> Delivery | None:
    """`settled`, where `mine` is still there. What took its place meanwhile becomes due; what others have in hand stays theirs."""
    if found == mine:
        return settled
    waits_for_me = found is not None and found.in_hand and found.attempts == 0 and found.rank > mine.rank
    return replaced(found, in_hand=False, due_ms=now_ms) if found is not None and waits_for_me else None


def due_again(mine: Delivery, due_ms: int, reason: str) -> Delivery:
    """Its attempt failed; the next one may begin at `due_ms`."""
    return replaced(mine, in_hand=False, due_ms=due_ms, reason=reason)


def ended(mine: Delivery, outcome: Literal["delivered", "dropped", "dead"], reason: str, now_ms: int) -> Delivery:
    """There is nothing more to do."""
    return replaced(mine, in_hand=False, due_ms=None, outcome=outcome, reason=reason, expires_ms=now_ms + KEPT_MS)
