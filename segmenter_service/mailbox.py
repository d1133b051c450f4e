"""The mailbox, the lease and the state of a connection in Redis. Every change is one Lua script.

A push deposits its item and tries to take the lease, in one script. Its holder drains; everybody else may acknowledge, because the item is
durable in the bucket, the holder cannot give the lease back while there is mail that it has not seen, and should it die, the sweep
comes: that is so of streams that the registry has as open, as their state says. Of any other, nobody would come again, so who finds the
lease taken waits or fails, and is pushed again; and what is put in goes with the lease of who puts it in, should they die. A fencing
number is checked in the same script that replaces the state, so a holder that slept through its lease changes nothing.

Nothing here is the only copy of anything: `segmenter_service.recovery` rebuilds all of it from the bucket.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal

import redis
import tenacity

from common.errors import Retryable

LEASE_MS: Final = 20_000
SWEPT: Final = b"+"
"""First byte of a stored state: the registry has the stream as open, so the sweep looks after it. `take.lua` knows it too."""
NOT_SWEPT: Final = b"-"
_HELD = 2
_WAIT_S: Final = 5.0
"""For a lease that is held of a stream that is not swept. Its end takes less, unless its holder has died."""


class LeaseLost(Retryable):
    """Somebody else holds the lease now; nothing of what this holder did since its last commit was kept."""

    def __init__(self) -> None:
        super().__init__("the lease of the connection was lost", reason="lease_lost")


@contextmanager
def redis_errors_translated() -> Iterator[None]:
    """Redis's errors become `Retryable`."""
    try:
        yield
    except redis.RedisError as error:
        raise Retryable(f"Redis: {type(error).__name__}", reason="redis_unavailable") from error


class Scripts:
    """The Lua scripts, registered once for each client."""

    def __init__(self, client: redis.Redis) -> None:
        def script(name: str) -> Callable[..., object]:
            source = files("segmenter_service").joinpath("lua", f"{name}.lua").read_text()
            return client.register_script(source)

        self.take = script("take")
        self.settle = script("settle")
        self.acquire = script("acquire")
        self.renew = script("renew")
        self.commit = script("commit")
        self.release = script("release")
        self.erase = script("erase")


@dataclass(frozen=True)
class Contents:
    """What the holder of a lease sees: the state (None when there is none), the mail by field, and the bell's count."""

    state: bytes | None
    mail: dict[bytes, bytes]
    bell: bytes


@dataclass(frozen=True)
class Rest:
    """The state leads to nothing new for now, and would not if it became known who spoke from these times on, by each clock."""

    stream_from_ms: int
    epoch_from_ms: int


@dataclass(frozen=True)
class MayWait:
    """An item that only tells who spoke from `from_ms` on, by a clock: it need not be drained at rest, if it is one of few."""

    clock: Literal["stream", "epoch"]
    from_ms: int
    most_waiting: int


def _mark(swept: bool) -> bytes:
    return SWEPT if swept else NOT_SWEPT


def _without_mark(stored: bytes | None) -> bytes | None:
    """The state alone. An earlier release stored it without a mark: nothing is left to such a holder."""
    return stored[1:] if stored is not None and stored[:1] in (SWEPT, NOT_SWEPT) else stored


class _Keys:
    """The names of one connection's keys. The braces make Redis Cluster keep them on one node."""

    def __init__(self, tenant: str, connection_id: str) -> None:
        owner = f"turnscribe:{{{tenant}/{connection_id}}}"
        self.mail, self.state, self.bell = f"{owner}:mail", f"{owner}:state", f"{owner}:bell"
        self.lease, self.fence = f"{owner}:lease", f"{owner}:fence"
        self.rest = f"{owner}:rest"


class Mailbox:
    """One connection's mailbox."""

    def __init__(self, client: redis.Redis, scripts: Scripts, tenant: str, connection_id: str, *, ttl_ms: int) -> None:
        self._redis = client
        self._scripts = scripts
        self._keys = _Keys(tenant, connection_id)
        self._ttl_ms = ttl_ms

    def take(self, field: bytes, value: bytes, may_wait: MayWait | None = None) -> "Lease | None":
        """Put an item in (one that is there stays) and take the lease, in one step; its first `contents` are in hand then.

        None while somebody else holds the lease, or where the item may wait, by how the last holder left the state. Raises `Retryable`
        when Redis can't be reached, and (with nothing put in) when somebody holds the lease for long to whom nothing may be left.
        """
        found = self._take(field, value, may_wait)
        if found == _HELD:
            found = self._take_once_free(field, value, may_wait)
        if not isinstance(found, list):
            return None
        fence, state, mail, bell = found
        seen = Contents(_without_mark(state), dict(zip(mail[::2], mail[1::2], strict=True)), bell)
        return Lease(self._redis, self._scripts, self._keys, fence, self._ttl_ms, seen)

    def _take_once_free(self, field: bytes, value: bytes, may_wait: MayWait | None) -> object:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda found: found == _HELD),
            wait=tenacity.wait_exponential(multiplier=0.01, max=0.25),
            stop=tenacity.stop_after_delay(_WAIT_S),
        )
        try:
            return retrying(self._take, field, value, may_wait)
        except tenacity.RetryError as error:
            raise Retryable("somebody else is at the connection", reason="lease_held") from error

    def _take(self, field: bytes, value: bytes, may_wait: MayWait | None) -> object:
        keys = self._keys
        waiting = (may_wait.most_waiting, may_wait.from_ms, may_wait.clock) if may_wait else (0, 0, "")
        with redis_errors_translated():
            return self._scripts.take(
                keys=[keys.mail, keys.state, keys.bell, keys.lease, keys.fence, keys.rest],
                args=[field, value, self._ttl_ms, LEASE_MS, *waiting],
            )

    def deposit_all(self, items: dict[bytes, bytes]) -> None:
        """Put many items in at once, as the holder of the lease (recovery)."""
        if not items:
            return
        with redis_errors_translated():
            pipe = self._redis.pipeline(transaction=True)
            for field, value in items.items():
                pipe.hset(self._keys.mail, field, value)
            pipe.pexpire(self._keys.mail, self._ttl_ms)
            pipe.execute()

    def acquire(self) -> "Lease | None":
        """The lease, or None while somebody else holds it."""
        with redis_errors_translated():
            fence = self._scripts.acquire(keys=[self._keys.lease, self._keys.fence], args=[LEASE_MS, self._ttl_ms])
        return Lease(self._redis, self._scripts, self._keys, fence, self._ttl_ms) if isinstance(fence, bytes) else None

    def size_bytes(self) -> int:
        """Bytes of keys and values that Redis holds for the connection (without its own overhead)."""
        with redis_errors_translated():
            pipe = self._redis.pipeline(transaction=False)
            pipe.hgetall(self._keys.mail)
            pipe.get(self._keys.state)
            mail, state = pipe.execute()
        return sum(len(field) + len(value) for field, value in mail.items()) + len(state or b"")


class Lease:
    """The right to change a connection's state, for a while. Every method raises `Retryable` when Redis is away."""

    def __init__(
        self,
        client: redis.Redis,
        scripts: Scripts,
        keys: _Keys,
        fence: bytes,
        ttl_ms: int,
        seen: Contents | None = None,
    ) -> None:
        self._redis = client
        self._scripts = scripts
        self._keys = keys
        self._ttl_ms = ttl_ms
        self.fence = fence
        self._seen = seen

    def contents(self) -> Contents:
        """State and mail as they are now, or at first as they were when the lease was taken: `settle` and `release` tell of newer mail."""
        if self._seen is not None:
            seen, self._seen = self._seen, None
            return seen
        with redis_errors_translated():
            pipe = self._redis.pipeline(transaction=True)
            pipe.get(self._keys.state)
            pipe.hgetall(self._keys.mail)
            pipe.get(self._keys.bell)
            state, mail, bell = pipe.execute()
        return Contents(_without_mark(state), mail, bell or b"0")

    def renew(self) -> None:
        """Keep the lease for another term. Raises `LeaseLost`."""
        with redis_errors_translated():
            kept = self._scripts.renew(keys=[self._keys.lease, self._keys.mail], args=[self.fence, LEASE_MS])
        if not kept:
            raise LeaseLost

    def commit(
        self,
        state: bytes,
        drained: Iterable[bytes],
        bell_seen: bytes = b"",
        *,
        swept: bool,
        last_ttl_ms: int | None = None,
    ) -> bool:
        """Replace the state and drop the drained fields, in one step. Raises `LeaseLost` without having changed anything.

        True when no mail came in after `bell_seen`. Where not `swept`, none comes in from now on while the lease is held.

        `swept`: the registry has the stream as open, so that the sweep comes should this holder die.
        `last_ttl_ms`: everything of the connection goes after so long, if nothing more is deposited.
        """
        keys = self._keys
        names, ttl_ms = [keys.lease, keys.state, keys.bell, keys.mail], self._ttl_ms
        if last_ttl_ms is not None:
            names, ttl_ms = [*names, keys.bell, keys.fence], min(ttl_ms, last_ttl_ms)
        with redis_errors_translated():
            kept = self._scripts.commit(
                keys=names, args=[self.fence, LEASE_MS, ttl_ms, bell_seen, _mark(swept) + state, *drained]
            )
        if not kept:
            raise LeaseLost
        return kept == 2

    def settle(
        self,
        state: bytes,
        drained: Iterable[bytes],
        bell_seen: bytes,
        *,
        swept: bool,
        rest: Rest | None = None,
        last_ttl_ms: int | None = None,
    ) -> bool:
        """`commit` and `release` in one step. False when mail came in after `bell_seen`: committed, and the holder must look again.

        `rest` says what may wait now: see `Mailbox.take`. Raises `LeaseLost` without having changed anything.
        """
        keys = self._keys
        names, ttl_ms = [keys.lease, keys.state, keys.mail, keys.bell, keys.rest], self._ttl_ms
        if last_ttl_ms is not None:
            names, ttl_ms = [*names, keys.bell, keys.fence], min(ttl_ms, last_ttl_ms)
        from_ms = (rest.stream_from_ms, rest.epoch_from_ms) if rest else ("", "")
        with redis_errors_translated():
            settled = self._scripts.settle(
                keys=names, args=[self.fence, LEASE_MS, ttl_ms, bell_seen, *from_ms, _mark(swept) + state, *drained]
            )
        if not settled:
            raise LeaseLost
        return settled == 2

    def release(self, bell_seen: bytes) -> bool:
        """Give the lease back. False when mail came in after `bell_seen`: the holder must look again."""
        with redis_errors_translated():
            return bool(self._scripts.release(keys=[self._keys.lease, self._keys.bell], args=[self.fence, bell_seen]))

    def erase(self, bell_seen: bytes) -> bool:
        """Delete every key of the connection, the lease itself last. False when mail came in after `bell_seen`. Raises `LeaseLost`."""
        keys = self._keys
        with redis_errors_translated():
            erased = self._scripts.erase(
                keys=[keys.lease, keys.bell, keys.mail, keys.state, keys.fence, keys.rest], args=[self.fence, bell_seen]
            )
        if erased == 0:
            raise LeaseLost
        return erased == 1

    def abandon(self) -> None:
        """Give the lease back after a failure, so that the redelivery need not wait for its end."""
        self.release(b"")
