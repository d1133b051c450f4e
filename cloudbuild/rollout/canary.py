"""Whether a canary is as well as the revision beside it. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Answers of one revision in a time."""

    requests: int = 0
    errors: int = 0
    """Those with a status of 500 or more."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.requests + other.requests, self.errors + other.errors)

    @property
    def error_percent(self) -> float:
        """Share of errors, in percent; 0 without requests."""
        return 100 * self.errors / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        return f"{self.errors} of {self.requests} ({self.error_percent:.1f}%)"


def objection(candidate: Counts, before: Counts, *, max_error_percent: float, min_requests: int) -> str | None:
    """Why the candidate must not get more traffic; None where nothing is against it.

    A pushed service answers 5xx on purpose while Whisper or a store is down, the old revision as well as the new one. So what counts is
    by how much the candidate's share is above that of the revision that served beside it. Fewer than `min_requests` say nothing.
    """
    if candidate.requests < min_requests:
        return None
    if candidate.error_percent - before.error_percent <= max_error_percent:
        return None
    return (
        f"{candidate} of its answers were 5xx, against {before} of the revision beside it; "
        f"allowed are {max_error_percent:g} percentage points more"
    )
