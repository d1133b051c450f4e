"""When a delivery that failed is tried again: the schedule of the Standard Webhooks specification, with jitter. Pure."""

import random
from typing import Final

from common.ports.delivery_store import Delivery

SCHEDULE_S: Final = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The pause before each attempt, in seconds: ten attempts within 76 hours."""
JITTER: Final = 0.2
"""A pause is longer by up to this share, so that what failed together does not come back together."""
SPAN_MS: Final = round(sum(SCHEDULE_S) * (1 + JITTER) * 1000)
"""What is older than all of it is not tried again, however seldom it was tried: its receiver was resting."""
LIVE_MS: Final = 60_000
"""A live revision is worth nothing after this."""
LONGEST_RETRY_AFTER_S: Final = 86_400.0


def next_attempt_ms(failed: Delivery, now_ms: int, retry_after_s: float, chance: random.Random) -> int | None:
    """When `failed`, whose last attempt failed now, is tried again; None: it is given up. `retry_after_s`: what the receiver asked for."""
    if failed.attempts >= len(SCHEDULE_S) or now_ms - failed.since_ms >= SPAN_MS:
        return None
    pause_s = SCHEDULE_S[failed.attempts] * (1 + JITTER * chance.random())
    return now_ms + round(max(pause_s, min(retry_after_s, LONGEST_RETRY_AFTER_S)) * 1000)


def is_too_late(delivery: Delivery, now_ms: int) -> bool:
    """True for a live revision that nobody waits for any more."""
    return not delivery.final and now_ms - delivery.since_ms > LIVE_MS
