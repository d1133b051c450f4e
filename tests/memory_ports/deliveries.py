"""What is to be delivered."""

import threading

from common.ports.delivery_store import Change as DeliveryChange
from common.ports.delivery_store import Delivery, DeliveryStore
from tests.memory_ports.faults import Faults


class FakeDeliveries(DeliveryStore):
    """May be used from several threads."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], Delivery] = {}
        self.faults = Faults()
        self._lock = threading.Lock()

    def change(self, tenant: str, receiver: str, subject: str, change: DeliveryChange) -> Delivery | None:
        self.faults.strike_before()
        with self._lock:
            found = self.stored.get((tenant, receiver, subject))
            changed = change(found)
            if changed is not None:
                self.stored[tenant, receiver, subject] = changed
        self.faults.strike_after()
        return changed or found

    def get(self, tenant: str, receiver: str, subject: str) -> Delivery | None:
        self.faults.strike_before()
        return self.stored.get((tenant, receiver, subject))

    def due(self, tenant: str, receiver: str, now_ms: int, *, limit: int) -> list[Delivery]:
        self.faults.strike_before()
        with self._lock:
            return [each for each in self._due(now_ms) if (each.tenant, each.receiver) == (tenant, receiver)][:limit]

    def receivers_due(self, now_ms: int, *, limit: int) -> list[Delivery]:
        self.faults.strike_before()
        first: dict[tuple[str, str], Delivery] = {}
        with self._lock:
            for each in self._due(now_ms):
                first.setdefault((each.tenant, each.receiver), each)
        return [first[key] for key in sorted(first)][:limit]

    def forget_expired(self, now_ms: int, *, limit: int) -> int:
        self.faults.strike_before()
        expired = [k for k, each in self.stored.items() if each.expires_ms is not None and each.expires_ms <= now_ms]
        for key in expired[:limit]:
            del self.stored[key]
        return len(expired[:limit])

    def forget_receiver(self, tenant: str, receiver: str) -> None:
        self.faults.strike_before()
        for key in [key for key in self.stored if key[:2] == (tenant, receiver)]:
            del self.stored[key]

    def check(self) -> None:
        self.faults.strike_before()

    def _due(self, now_ms: int) -> list[Delivery]:
        due = [(each.due_ms, each.subject, each) for each in self.stored.values() if each.due_ms is not None]
        return [each for due_ms, _, each in sorted(due, key=lambda item: item[:2]) if due_ms <= now_ms]
