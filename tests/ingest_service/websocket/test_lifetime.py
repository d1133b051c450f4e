import pytest

from common.auth import Principal
from common.errors import Retryable
from common.health import Drain
from common.ports.token_store import Scope
from ingest_service.websocket.lifetime import RECONNECT, RESTART, TOKEN_CHECK_S, TOKEN_GONE, Lifetime
from tests.clocks import FakeClock


class Tokens:
    """Knows one token for as long as it is told to."""

    def __init__(self) -> None:
        self.answer: Principal | Exception | None = Principal("t")
        self.asked = 0

    def verify(self, token: str) -> Principal | None:
        self.asked += 1
        assert token == "secret"
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def drain() -> Drain:
    return Drain()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def lifetime(drain: Drain, tokens: Tokens, clock: FakeClock) -> Lifetime:
    return Lifetime(3_300, drain, tokens, "secret", clock)


def test_it_goes_on_until_it_is_old(lifetime: Lifetime, clock: FakeClock) -> None:
    clock.advance(3_299)
    assert lifetime.ending() is None
    clock.advance(1)
    assert lifetime.ending() == RECONNECT


def test_a_server_that_stops_ends_it(lifetime: Lifetime, drain: Drain) -> None:
    drain.start()
    assert lifetime.ending() == RESTART


@pytest.mark.parametrize("answer", [None, Principal("t", frozenset({Scope.READ}))])
def test_a_token_that_holds_no_more_ends_it_within_a_minute(
    lifetime: Lifetime, tokens: Tokens, clock: FakeClock, answer: Principal | None
) -> None:
    tokens.answer = answer
    assert lifetime.ending() is None
    clock.advance(TOKEN_CHECK_S)
    assert lifetime.ending() == TOKEN_GONE


def test_the_token_is_asked_for_once_a_minute_and_an_outage_is_no_refusal(
    lifetime: Lifetime, tokens: Tokens, clock: FakeClock
) -> None:
    tokens.answer = Retryable("down", reason="store_down")
    for _ in range(10):
        clock.advance(TOKEN_CHECK_S / 2)
        assert lifetime.ending() is None
    assert tokens.asked == 5
