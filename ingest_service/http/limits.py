"""How much of this instance one tenant may have, so that its runaway recorders leave the others their uploads.

Counted in memory, for each process alone (an instance has one for each vCPU): Redis holds connection state and nothing else, and no
upload waits for a counter elsewhere. So where n processes run, a tenant may have n times as much.
"""

from dataclasses import dataclass
from math import ceil
from threading import Lock
from typing import Final

from flask import Blueprint, g

from common.auth import TokenVerifier, principal, require_bearer
from common.clock import Clock
from common.errors import Backpressure
from common.ports.token_store import Scope
from ingest_service.http.token_bucket import TokenBucket
from ingest_service.settings import IngestSettings

BURST_S: Final = 2
"""A tenant may use the requests of so many seconds at once: a recorder that was offline sends what it kept."""
NO_PLACE_RETRY_S: Final = 1.0


@dataclass(slots=True)
class _Use:
    """What one tenant does here now."""

    full_at_s: float = 0.0
    """See `TokenBucket`."""
    requests: int = 0
    """In work."""


class TenantLimits:
    """Requests a second (0: any number), and requests in work at a time (0: any number), of each tenant. Thread-safe.

    It keeps a few numbers for each tenant that ever came with a good token.
    """

    def __init__(self, clock: Clock, *, requests_per_s: float, concurrent_requests: int) -> None:
        self._clock = clock
        self._requests_per_s = requests_per_s
        self._concurrent_requests = concurrent_requests
        self._bucket = TokenBucket(requests_per_s, max(1.0, BURST_S * requests_per_s)) if requests_per_s else None
        self._lock = Lock()
        self._uses: dict[str, _Use] = {}

    def enter(self, tenant: str) -> None:
        """A request begins; `leave` when it ends. Raises `Backpressure` where the tenant has all that it may have; that costs it nothing."""
        with self._lock:
            use = self._uses.setdefault(tenant, _Use())
            if self._concurrent_requests and use.requests >= self._concurrent_requests:
                what = f"The tenant has {self._concurrent_requests} requests in work on this instance; more are not allowed."
                raise Backpressure(what, reason="tenant_concurrency", retry_after_s=NO_PLACE_RETRY_S)
            if self._bucket is not None:
                use.full_at_s, wait_s = self._bucket.taken(use.full_at_s, self._clock.monotonic_s())
                if wait_s > 0:
                    what = f"The tenant sends more than the {self._requests_per_s:g} requests a second that this instance allows."
                    raise Backpressure(what, reason="tenant_rate", retry_after_s=float(ceil(wait_s)))
            use.requests += 1

    def wait_s(self, tenant: str) -> float:
        """Count what came over a WebSocket as a request: 0; or, where the tenant has had its requests, how long to wait and ask again."""
        if self._bucket is None:
            return 0.0
        with self._lock:
            use = self._uses.setdefault(tenant, _Use())
            use.full_at_s, wait_s = self._bucket.taken(use.full_at_s, self._clock.monotonic_s())
            return wait_s

    def leave(self, tenant: str) -> None:
        """A request that entered has ended."""
        with self._lock:
            self._uses[tenant].requests -= 1


def tenant_limits(settings: IngestSettings, clock: Clock) -> TenantLimits:
    """The limits that the settings name; one for each process."""
    return TenantLimits(
        clock,
        requests_per_s=settings.tenant_requests_per_sec,
        concurrent_requests=settings.tenant_concurrent_requests,
    )


def guard(routes: Blueprint, tokens: TokenVerifier, limits: TenantLimits, *scopes: Scope) -> None:
    """Let bearers with all of `scopes` through to `routes`, each tenant within its limits: else 401, 403 or 429.

    A request counts until it is answered, whatever becomes of it.
    """
    for scope in scopes:
        routes.before_request(require_bearer(tokens, scope))

    @routes.before_request
    def _enter() -> None:
        tenant = principal().tenant
        limits.enter(tenant)
        g.entered = tenant

    leave_with_request(routes, limits)


def leave_with_request(routes: Blueprint, limits: TenantLimits) -> None:
    """Count a request of `routes` no more once it is answered. `g.entered` is the tenant that entered, if one did."""

    @routes.teardown_request
    def _leave(_error: BaseException | None) -> None:
        tenant: str | None = g.pop("entered", None)
        if tenant is not None:
            limits.leave(tenant)
