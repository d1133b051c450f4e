"""Who is told what of a tenant's transcripts. Asked at every update, so the answer is remembered for a few seconds."""

import threading
from typing import Final

import msgspec

from common.clock import Clock
from common.ports.webhook_store import Webhook, WebhookStore
from transcribe_service.settings import TranscribeSettings

ENGINE: Final = "engine"
"""The id of the one receiver that is no webhook: none of theirs is called so."""
SEGMENT: Final = "transcript.segment"
COMPLETED: Final = "meeting.completed"
PING: Final = "ping"
REMEMBERED_S: Final = 5.0
TENANTS_REMEMBERED: Final = 10_000


class Receiver(msgspec.Struct, frozen=True):
    """One receiver, and what it wants."""

    receiver_id: str
    types: frozenset[str]
    provisional: bool

    def wants(self, message_type: str, *, final: bool) -> bool:
        """Whether it is told of this."""
        return message_type in self.types and (final or self.provisional)


class Receivers:
    """Safe to use from many threads."""

    def __init__(self, settings: TranscribeSettings, webhooks: WebhookStore, clock: Clock) -> None:
        self._engine_tenants = settings.engine_tenant_names
        self._webhooks = webhooks
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, tuple[Receiver, ...]]] = {}

    def of(self, tenant: str) -> tuple[Receiver, ...]:
        """A tenant's receivers; what others have changed is seen within REMEMBERED_S. Raises `Retryable`."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            known = self._known.get(tenant)
        if known is not None and now_s < known[0]:
            return known[1]
        found = self._find(tenant)
        with self._lock:
            if len(self._known) >= TENANTS_REMEMBERED:
                self._known.clear()
            self._known[tenant] = (now_s + REMEMBERED_S, found)
        return found

    def forget(self, tenant: str) -> None:
        """The tenant's webhooks have changed."""
        with self._lock:
            self._known.pop(tenant, None)

    def _find(self, tenant: str) -> tuple[Receiver, ...]:
        engine = (Receiver(ENGINE, frozenset({SEGMENT}), True),) if tenant in self._engine_tenants else ()
        return engine + tuple(_receiver(each) for each in self._webhooks.of_tenant(tenant) if each.enabled)


def _receiver(webhook: Webhook) -> Receiver:
    return Receiver(webhook.webhook_id, frozenset(webhook.events), webhook.provisional)
