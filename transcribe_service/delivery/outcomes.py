"""What a receiver's answer means. Pure."""

from email.utils import parsedate_to_datetime
from typing import Final, Literal

import msgspec

_OVERLOADED: Final = frozenset({429, 502, 503, 504})
_ENGINE_MAY_CHANGE_ITS_MIND: Final = frozenset({401, 403, 404, 408, 425, 429})
"""Token, address and load can be mended without changing what is sent."""


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended."""

    kind: Literal["delivered", "failed", "refused", "gone"]
    """`failed`: try again by the schedule. `refused`: no attempt would be taken. `gone`: the receiver wants nothing any more."""
    reason: str = ""
    """Slug, e.g. `http_503`, `timeout`."""
    retry_after_s: float = 0.0
    """How long the receiver asked to be left alone; 0 where it did not."""
    rests: bool = False
    """Whether it is better left alone for a while, with other messages too: it does not answer, or says that it can't."""


def of_webhook(status: int, retry_after_s: float) -> Outcome:
    """As the Standard Webhooks specification has it: only 2xx is success, and 410 says that nothing is wanted any more."""
    if 200 <= status < 300:
        return Outcome("delivered")
    if status == 410:
        return Outcome("gone", "http_410")
    return _failed(status, retry_after_s)


def of_engine(status: int, retry_after_s: float) -> Outcome:
    """A 4xx that says something of what was sent is final; one that somebody can mend is not."""
    if 200 <= status < 300:
        return Outcome("delivered")
    if 400 <= status < 500 and status not in _ENGINE_MAY_CHANGE_ITS_MIND:
        return Outcome("refused", f"http_{status}")
    return _failed(status, retry_after_s)


def _failed(status: int, retry_after_s: float) -> Outcome:
    return Outcome("failed", f"http_{status}", retry_after_s, rests=status in _OVERLOADED or retry_after_s > 0)


def retry_after_s(value: str | None, now_ms: int) -> float:
    """A Retry-After header, in seconds or as a date, as seconds from now; 0 where there is none or it makes no sense."""
    if not value:
        return 0.0
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_ms / 1000)
    except (ValueError, OverflowError):
        return 0.0
