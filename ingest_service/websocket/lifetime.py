"""When the server ends a WebSocket that is well: it stops, the WebSocket is old, or its token holds no more."""

from dataclasses import dataclass
from typing import Final

from common.auth import TokenVerifier
from common.clock import Clock
from common.errors import TurnscribeError
from common.health import Drain
from common.ports.token_store import Scope

TOKEN_CHECK_S: Final = 60.0


@dataclass(frozen=True)
class Ending:
    """A close code of RFC 6455 (1012: IANA's registry), and why."""

    code: int
    reason: str


RECONNECT: Final = Ending(1001, "reconnect")
RESTART: Final = Ending(1012, "the server restarts; reconnect")
TOKEN_GONE: Final = Ending(1008, "the token is not valid any more")


class Lifetime:
    """Of one WebSocket, from the moment when it is made."""

    def __init__(self, max_s: float, drain: Drain, tokens: TokenVerifier, token: str, clock: Clock) -> None:
        self._drain = drain
        self._tokens = tokens
        self._token = token
        self._clock = clock
        self._over_at_s = clock.monotonic_s() + max_s
        self._check_at_s = clock.monotonic_s() + TOKEN_CHECK_S

    def ending(self) -> Ending | None:
        """Why to end now; None: go on."""
        if self._drain.started:
            return RESTART
        now_s = self._clock.monotonic_s()
        if now_s >= self._over_at_s:
            return RECONNECT
        if now_s >= self._check_at_s:
            self._check_at_s = now_s + TOKEN_CHECK_S
            if not self._token_holds():
                return TOKEN_GONE
        return None

    def _token_holds(self) -> bool:
        try:
            found = self._tokens.verify(self._token)
        except TurnscribeError:  # nobody can say, and it did hold when this was opened
            return True
        return found is not None and Scope.INGEST in found.scopes
