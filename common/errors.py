"""The three classes of failure. Every other exception that reaches the edge of a service is a defect.

Which HTTP status each becomes is decided in two places only: `common.push` for Pub/Sub, `common.problems` for people.
"""


class TurnscribeError(Exception):
    """Base of the three. `reason` is a short stable slug for logs and metrics; the message is for a person.

    The message never carries user content (words, speaker names, tokens).
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Retryable(TurnscribeError):
    """A passing fault (a store is down, a time-out). Nothing was decided; the same call may succeed later."""


class Permanent(TurnscribeError):
    """No retry can help (bad bytes, bad event). The caller quarantines the input with its reason and goes on."""


class Backpressure(TurnscribeError):
    """A dependency or this instance is saturated. `retry_after_s` says when to come back, in seconds."""

    def __init__(self, message: str, *, reason: str, retry_after_s: float) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s
