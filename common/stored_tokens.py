"""Whose token it is, by API_TOKEN and by the token store, whose answers count for a bounded time."""

import hmac
from collections import OrderedDict
from concurrent.futures import Future
from threading import Lock
from typing import Final

import msgspec

from common.auth import Principal, SingleToken, TokenVerifier
from common.clock import Clock
from common.pipeline_settings import PipelineSettings
from common.ports.token_store import TokenStore, hash_of

MAX_TOKEN_LENGTH: Final = 512
"""Characters. What is longer is nobody's, and nobody's store is asked."""
NOBODY_S: Final = 2.0
"""What is nobody's counts as such for no longer: who asks whether a token is good, registers it and comes with it does so within seconds."""
CAPACITY: Final = 10_000
"""Remembered answers of each kind: whoever tries tokens at random must not push the good ones out."""


class _Answer(msgspec.Struct, frozen=True):
    principal: Principal | None
    until_s: float
    """On the monotonic clock."""


class _Answers:
    """The answers given last; who was not asked about for longest makes room. Not thread-safe."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    def get(self, token_hash: str, now_s: float) -> _Answer | None:
        """The answer, as long as it counts."""
        answer = self._answers.get(token_hash)
        if answer is None:
            return None
        if now_s >= answer.until_s:
            del self._answers[token_hash]
            return None
        self._answers.move_to_end(token_hash)
        return answer

    def keep(self, token_hash: str, answer: _Answer) -> None:
        """Remember an answer."""
        self._answers[token_hash] = answer
        self._answers.move_to_end(token_hash)
        if len(self._answers) > self._capacity:
            self._answers.popitem(last=False)


class StoredTokens:
    """A `TokenVerifier` over the store. Thread-safe; one for each process.

    An answer counts for `cache_s` from when the store was asked: so long may a disabled token still be let in, here and in every other
    process. "Nobody" counts for NOBODY_S at most: so long may a new token be refused that was tried before it was there. Requests that
    come with one token at the same time ask once.
    """

    def __init__(
        self, first: TokenVerifier, store: TokenStore, clock: Clock, *, cache_s: float, capacity: int = CAPACITY
    ) -> None:
        self._first = first
        self._store = store
        self._clock = clock
        self._cache_s = cache_s
        self._lock = Lock()
        self._somebody = _Answers(capacity)
        self._nobody = _Answers(capacity)
        self._asked: dict[str, Future[Principal | None]] = {}

    def verify(self, token: str) -> Principal | None:
        """`first` decides, then the store. Raises `Retryable` when the store is down and no answer of it counts any more."""
        found = self._first.verify(token)
        if found is not None:
            return found
        if not token or len(token) > MAX_TOKEN_LENGTH:
            return None
        return self._answer(hash_of(token))

    def _answer(self, token_hash: str) -> Principal | None:
        """What is remembered; else what whoever asks already gets to hear; else what the store says."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            remembered = self._somebody.get(token_hash, now_s) or self._nobody.get(token_hash, now_s)
            if remembered is not None:
                return remembered.principal
            told = Future[Principal | None]()
            asked = self._asked.setdefault(token_hash, told)
        if asked is not told:
            return asked.result()
        try:
            principal = self._ask(token_hash)
        except BaseException as error:
            with self._lock:
                del self._asked[token_hash]
            told.set_exception(error)
            raise
        with self._lock:
            if principal is None:
                self._nobody.keep(token_hash, _Answer(None, now_s + min(NOBODY_S, self._cache_s)))
            else:
                self._somebody.keep(token_hash, _Answer(principal, now_s + self._cache_s))
            del self._asked[token_hash]
        told.set_result(principal)
        return principal

    def _ask(self, token_hash: str) -> Principal | None:
        record = self._store.by_hash(token_hash)
        if record is None or not hmac.compare_digest(record.token_hash, token_hash) or not record.enabled:
            return None
        return Principal(record.tenant, record.scopes, record.user_id)


def stored_tokens(settings: PipelineSettings, store: TokenStore, clock: Clock) -> StoredTokens:
    """API_TOKEN, else the store, as the settings say."""
    return StoredTokens(SingleToken(settings.api_token), store, clock, cache_s=settings.token_cache_sec)
