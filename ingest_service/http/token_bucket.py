"""How many requests a second: a token bucket. Pure; the time comes in."""

from dataclasses import dataclass
from typing import Final

_ROUNDING_S: Final = 1e-6
"""Sums of many steps; a microsecond early hurts nobody."""


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """Holds `burst` tokens at most and gains `rate_per_s` each second, both above 0. Whoever takes one may act."""

    rate_per_s: float
    burst: float

    def taken(self, full_at_s: float, now_s: float) -> tuple[float, float]:
        """`(full_at_s, wait_s)` after taking a token at `now_s`, or trying to.

        The level is kept as the time at which the bucket is full again; anything up to `now_s` is a full one. With `wait_s` above 0
        there was no token: nothing was taken, and there is one after so long.
        """
        after_s = max(full_at_s, now_s) + 1 / self.rate_per_s
        wait_s = after_s - now_s - self.burst / self.rate_per_s
        if wait_s > _ROUNDING_S:
            return full_at_s, wait_s
        return after_s, 0.0
