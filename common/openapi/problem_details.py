"""Problem details as a type: what `common.problems` writes."""

import msgspec


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """An answer other than success (RFC 9457). It may have more members that say which value was wrong."""

    type: str
    """`urn:turnscribe:problem:` and what kind it is: stable, for programs."""
    title: str
    """The status in words."""
    status: int
    detail: str
    """What is wrong, for people."""
