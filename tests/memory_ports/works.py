"""Work that goes on."""

from collections.abc import Callable

from common.ports.work_store import Work, WorkStore
from tests.memory_ports.faults import Faults


class FakeWorks(WorkStore):
    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Work] = {}
        self.faults = Faults()

    def add(self, work: Work) -> bool:
        self.faults.strike_before()
        added = self.stored.setdefault((work.tenant, work.work_id), work) is work
        self.faults.strike_after()
        return added

    def get(self, tenant: str, work_id: str) -> Work | None:
        self.faults.strike_before()
        return self.stored.get((tenant, work_id))

    def change(self, tenant: str, work_id: str, change: Callable[[Work], Work]) -> Work | None:
        self.faults.strike_before()
        if (tenant, work_id) not in self.stored:
            return None
        changed = self.stored[tenant, work_id] = change(self.stored[tenant, work_id])
        self.faults.strike_after()
        return changed

    def due(self, *, now_ms: int, limit: int) -> list[Work]:
        self.faults.strike_before()
        due = [(each.due_ms, key) for key, each in self.stored.items() if each.due_ms is not None]
        return [self.stored[key] for due_ms, key in sorted(due) if due_ms <= now_ms][:limit]

    def remove(self, tenant: str, work_id: str) -> None:
        self.faults.strike_before()
        self.stored.pop((tenant, work_id), None)

    def check(self) -> None:
        self.faults.strike_before()
