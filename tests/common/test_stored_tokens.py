"""Whose token it is, asked of the store as seldom as may be."""

import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.auth import Principal, SingleToken
from common.errors import Backpressure, Retryable
from common.ports.token_store import ALL_SCOPES, Scope, TokenRecord, hash_of
from common.settings import Secret
from common.stored_tokens import MAX_TOKEN_LENGTH, NOBODY_S, StoredTokens
from tests.clocks import FakeClock
from tests.memory_ports import FakeTokens

DOWN = Retryable("the store is down", reason="store_down")
CACHE_S = 30.0


def record(token: str, tenant: str = "acme", *, enabled: bool = True) -> TokenRecord:
    return TokenRecord(
        token_id=f"id-of-{tenant}",
        token_hash=hash_of(token),
        tenant=tenant,
        scopes=frozenset({Scope.INGEST}),
        enabled=enabled,
        created_at_ms=1,
        user_id="u1",
    )


def verifier(store: FakeTokens, clock: FakeClock | None = None, capacity: int = 100) -> StoredTokens:
    first = SingleToken(Secret("operator"))
    return StoredTokens(first, store, clock or FakeClock(), cache_s=CACHE_S, capacity=capacity)


OURS = Principal("acme", frozenset({Scope.INGEST}), "u1")


def test_the_operators_token_is_known_without_the_store() -> None:
    store = FakeTokens()
    store.faults.before = [DOWN]
    assert verifier(store).verify("operator") == Principal("default", ALL_SCOPES, operator=True)
    assert store.asked == []


def test_a_stored_token_is_its_tenants_and_no_operators() -> None:
    assert verifier(FakeTokens(record("secret"))).verify("secret") == OURS


@given(st.text(), st.text(min_size=1))
def test_only_the_token_itself_is_right(presented: str, token: str) -> None:
    found = verifier(FakeTokens(record(token))).verify(presented)
    assert (found == OURS) == (presented == token or (presented == "operator" == token))


def test_what_cannot_be_a_token_costs_no_look_up() -> None:
    store = FakeTokens()
    assert verifier(store).verify("") is None
    assert verifier(store).verify("x" * (MAX_TOKEN_LENGTH + 1)) is None
    assert store.asked == []
    assert verifier(store).verify("x" * MAX_TOKEN_LENGTH) is None
    assert len(store.asked) == 1


def test_a_store_that_answers_with_another_token_lets_nobody_in() -> None:
    class Confused(FakeTokens):
        def by_hash(self, token_hash: str) -> TokenRecord | None:
            return record("another")

    assert verifier(Confused()).verify("secret") is None


def test_answers_count_for_their_time_and_no_longer() -> None:
    store, clock = FakeTokens(record("secret")), FakeClock()
    tokens = verifier(store, clock)
    assert tokens.verify("secret") == OURS
    clock.advance(CACHE_S - 0.001)
    store.put(msgspec.structs.replace(record("secret"), enabled=False))
    assert tokens.verify("secret") == OURS
    assert len(store.asked) == 1
    clock.advance(0.001)
    assert tokens.verify("secret") is None


def test_a_token_that_was_tried_before_it_was_there_is_good_soon() -> None:
    store, clock = FakeTokens(), FakeClock()
    tokens = verifier(store, clock)
    assert tokens.verify("new") is None
    store.put(record("new"))
    clock.advance(NOBODY_S - 0.001)
    assert tokens.verify("new") is None
    assert len(store.asked) == 1, "whoever tries a wrong token without end costs a look-up now and then"
    clock.advance(0.001)
    assert tokens.verify("new") == OURS


def test_the_time_runs_from_the_question_and_not_from_the_answer() -> None:
    clock = FakeClock()

    class Slow(FakeTokens):
        def by_hash(self, token_hash: str) -> TokenRecord | None:
            found = super().by_hash(token_hash)
            clock.advance(10)
            return found

    store = Slow(record("secret"))
    tokens = verifier(store, clock)
    assert tokens.verify("secret") == OURS
    store.put(record("secret", enabled=False))
    clock.advance(CACHE_S - 10)
    assert tokens.verify("secret") is None, "it was disabled longer ago than an answer may count"


def test_while_the_store_is_down_what_is_remembered_counts_and_nobody_is_told_that_a_token_is_wrong() -> None:
    store, clock = FakeTokens(record("secret")), FakeClock()
    tokens = verifier(store, clock)
    tokens.verify("secret")
    store.faults.before = [DOWN, DOWN, DOWN]
    assert tokens.verify("secret") == OURS
    with pytest.raises(Retryable):
        tokens.verify("unknown")
    clock.advance(CACHE_S)
    with pytest.raises(Retryable):
        tokens.verify("secret")
    with pytest.raises(Retryable):
        tokens.verify("secret")
    assert tokens.verify("secret") == OURS, "a failure is no answer, and is not remembered"


def test_a_store_that_is_asked_too_much_says_when_to_come_back() -> None:
    store = FakeTokens()
    store.faults.before = [Backpressure("quota", reason="firestore_quota", retry_after_s=5)]
    with pytest.raises(Backpressure):
        verifier(store).verify("unknown")


def test_who_tries_tokens_at_random_pushes_no_good_one_out() -> None:
    store = FakeTokens(record("secret"))
    tokens = verifier(store, capacity=3)
    tokens.verify("secret")
    for number in range(10):
        tokens.verify(f"wrong-{number}")
    asked = len(store.asked)
    assert tokens.verify("secret") == OURS
    assert tokens.verify("wrong-9") is None
    assert len(store.asked) == asked
    assert tokens.verify("wrong-0") is None
    assert len(store.asked) == asked + 1, "what is remembered is bounded"


def test_good_tokens_are_bounded_too_and_the_one_used_last_stays() -> None:
    store = FakeTokens(*(record(f"t{number}") for number in range(4)))
    tokens = verifier(store, capacity=3)
    for token in ("t0", "t1", "t2", "t0", "t3"):
        tokens.verify(token)
    asked = len(store.asked)
    for token in ("t0", "t2", "t3"):
        assert tokens.verify(token) == OURS
    assert len(store.asked) == asked
    tokens.verify("t1")
    assert len(store.asked) == asked + 1


class Gate(FakeTokens):
    """Answers once the gate is open."""

    def __init__(self, *records: TokenRecord) -> None:
        super().__init__(*records)
        self.reached = threading.Event()
        self.opened = threading.Event()

    def by_hash(self, token_hash: str) -> TokenRecord | None:
        self.reached.set()
        assert self.opened.wait(30)
        return super().by_hash(token_hash)


@pytest.mark.parametrize("faults", [[], [DOWN] * 8])
def test_requests_that_come_together_with_one_token_get_one_answer(faults: list[Exception]) -> None:
    store = Gate(record("secret"))
    store.faults.before = list(faults)
    tokens = verifier(store)

    def ask(_: int) -> Principal | str | None:
        try:
            return tokens.verify("secret")
        except Retryable as error:
            return error.reason

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(ask, number) for number in range(8)]
        assert store.reached.wait(30)
        store.opened.set()
        told = [answer.result(30) for answer in answers]
    assert set(told) == {DOWN.reason if faults else OURS}
    assert len(store.asked) == 1 or faults
    store.faults.before = []
    assert tokens.verify("secret") == OURS
