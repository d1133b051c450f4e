"""How many streams of a tenant have a state in Redis: nobody's take the room that others' need.

Redis evicts nothing. Were it full, no stream of any tenant would be cut any more. What is counted is lost with a flush, as the states are;
whatever is known already is counted again when its state is made anew, and is never turned away.
"""

from collections.abc import Callable
from importlib.resources import files

import redis

from common.clock import Clock
from segmenter_service.mailbox import redis_errors_translated


class TenantStreams:
    """Counts streams by tenant, as long as their states live. `most` of each; 0: any number, and nothing is counted."""

    def __init__(self, client: redis.Redis, clock: Clock, *, most: int, ttl_ms: int) -> None:
        self._redis = client
        self._clock = clock
        self._most = most
        self._ttl_ms = ttl_ms
        source = files("segmenter_service").joinpath("lua", "admit.lua").read_text()
        self._admit: Callable[..., object] = client.register_script(source)

    def admit(self, tenant: str, connection_id: str) -> bool:
        """Count a new stream. False, and it does not count, where its tenant has as many as may be. Raises `Retryable`."""
        if not self._most:
            return True
        now_ms = self._clock.now_ms()
        arguments = [connection_id, now_ms, now_ms + self._ttl_ms, self._most, self._ttl_ms]
        with redis_errors_translated():
            return bool(self._admit(keys=[_key(tenant)], args=arguments))

    def is_full(self, tenant: str) -> bool:
        """Whether a new stream of this tenant would not be admitted now. Raises `Retryable`."""
        if not self._most:
            return False
        with redis_errors_translated():
            return bool(self._redis.zcount(_key(tenant), f"({self._clock.now_ms()}", "+inf") >= self._most)

    def keep(self, tenant: str, connection_id: str, for_ms: int | None = None) -> None:
        """Count a stream for as long as its state lives from now on, whatever the limit: `for_ms`, or as it mostly does. Raises `Retryable`."""
        if not self._most:
            return
        until_ms = self._clock.now_ms() + min(self._ttl_ms, for_ms or self._ttl_ms)
        with redis_errors_translated():
            pipe = self._redis.pipeline(transaction=False)
            pipe.zadd(_key(tenant), {connection_id: until_ms})
            pipe.pexpire(_key(tenant), self._ttl_ms)
            pipe.execute()

    def forget(self, tenant: str, connection_id: str) -> None:
        """Its state is gone. Raises `Retryable`."""
        with redis_errors_translated():
            self._redis.zrem(_key(tenant), connection_id)


def _key(tenant: str) -> str:
    return f"turnscribe:tenant:{tenant}:streams"
