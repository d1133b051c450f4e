"""The meetings."""

from collections.abc import Callable

import msgspec

from common.ports.meeting_store import Cursor, Meeting, MeetingStore
from tests.memory_ports.faults import Faults


class FakeMeetings(MeetingStore):
    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Meeting] = {}
        self.faults = Faults()

    def open(self, tenant: str, meeting_id: str, opened_at_ms: int) -> None:
        self.faults.strike_before()
        meeting = Meeting(tenant=tenant, meeting_id=meeting_id, opened_at_ms=opened_at_ms)
        self.stored.setdefault((tenant, meeting_id), meeting)
        self.faults.strike_after()

    def get(self, tenant: str, meeting_id: str) -> Meeting | None:
        self.faults.strike_before()
        return self.stored.get((tenant, meeting_id))

    def change(self, tenant: str, meeting_id: str, change: Callable[[Meeting], Meeting]) -> Meeting | None:
        self.faults.strike_before()
        if (tenant, meeting_id) not in self.stored:
            return None
        changed = self.stored[tenant, meeting_id] = change(self.stored[tenant, meeting_id])
        self.faults.strike_after()
        return changed

    def page(self, tenant: str, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        self.faults.strike_before()
        newest_first = sorted(self._of(tenant), key=_age, reverse=True)
        return [each for each in newest_first if after is None or _age(each) < msgspec.structs.astuple(after)][:limit]

    def opened_before(self, tenant: str, at_ms: int, *, limit: int, after: Cursor | None = None) -> list[Meeting]:
        self.faults.strike_before()
        older = [each for each in sorted(self._of(tenant), key=_age) if each.opened_at_ms < at_ms]
        return [each for each in older if after is None or _age(each) > msgspec.structs.astuple(after)][:limit]

    def tenants(self) -> list[str]:
        self.faults.strike_before()
        return sorted({tenant for tenant, _ in self.stored})

    def delete(self, tenant: str, meeting_id: str) -> None:
        self.faults.strike_before()
        self.stored.pop((tenant, meeting_id), None)
        self.faults.strike_after()

    def check(self) -> None:
        self.faults.strike_before()

    def _of(self, tenant: str) -> list[Meeting]:
        return [each for each in self.stored.values() if each.tenant == tenant]


def _age(meeting: Meeting) -> tuple[int, str]:
    return meeting.opened_at_ms, meeting.meeting_id
