"""How long a connection may be fed, and with how many chunks. Pure.

The limits are for what is new. What is stored already may be sent again, and a stream may always be ended: a recorder that is
told to begin a new connection has to be able to finish the old one.
"""

from dataclasses import dataclass
from typing import Final

from common.problems import Problem

DEFAULT_MAX_CHUNKS: Final = 200_000
DEFAULT_MAX_AGE_S: Final = 86_400
LATE_OBSERVATION_MS: Final = 3_600_000
"""Speaker activity comes after its audio, by up to the longest window that an observation may have."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """MAX_CHUNKS_PER_CONNECTION and MAX_CONNECTION_AGE_SEC."""

    max_chunks: int = DEFAULT_MAX_CHUNKS
    max_age_s: int = DEFAULT_MAX_AGE_S

    def seq_problem(self, connection_id: str, seq: int) -> Problem | None:
        """Why there can be no new chunk `seq`; None where there can."""
        if seq < self.max_chunks:
            return None
        return Problem(
            409,
            "chunk-limit",
            f"A connection has at most {self.max_chunks} chunks here. End it, and go on with a new connection of the same meeting; "
            "larger chunks make it last longer.",
            connection_id=connection_id,
            seq=seq,
            limit=self.max_chunks,
        )

    def age_problem(self, connection_id: str, age_ms: int, *, grace_ms: int = 0) -> Problem | None:
        """Why a connection that is `age_ms` old takes nothing new, if it is older than allowed by more than `grace_ms`; else None."""
        if age_ms <= self.max_age_s * 1000 + grace_ms:
            return None
        return Problem(
            409,
            "connection-too-old",
            f"This connection began more than {self.max_age_s} s ago. End it, and begin a new connection of the same meeting.",
            connection_id=connection_id,
            limit_sec=self.max_age_s,
        )
