"""What each segment needs to know of its meeting, asked of the store once in a while: settings change rarely, segments come often."""

import threading
from collections import OrderedDict
from typing import Final

import msgspec

from common.clock import Clock
from common.ports.meeting_store import Meeting, MeetingStore

KEPT_S: Final = 10.0
KEPT: Final = 2_000
"""Meetings."""


class KnownMeetings:
    """Meetings, as they were at most `KEPT_S` ago. Thread-safe."""

    def __init__(self, meetings: MeetingStore, clock: Clock) -> None:
        self._meetings = meetings
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[float, Meeting]] = OrderedDict()

    def get(self, tenant: str, meeting_id: str) -> Meeting:
        """The meeting; one without anything said of it where there is none (yet), which is not remembered. Raises `Retryable`."""
        key, now_s = (tenant, meeting_id), self._clock.monotonic_s()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and now_s - kept[0] < KEPT_S:
            return kept[1]
        found = self._meetings.get(tenant, meeting_id)
        if found is None:
            return Meeting(tenant=tenant, meeting_id=meeting_id, opened_at_ms=0)
        self._keep(found, now_s)
        return found

    def heard_language(self, tenant: str, meeting_id: str, code: str) -> None:
        """Remember for good in which language a meeting is, unless that is known already. Raises `Retryable`."""

        def once(meeting: Meeting) -> Meeting:
            return meeting if meeting.detected_language else msgspec.structs.replace(meeting, detected_language=code)

        changed = self._meetings.change(tenant, meeting_id, once)
        if changed is not None:
            self._keep(changed, self._clock.monotonic_s())

    def _keep(self, meeting: Meeting, now_s: float) -> None:
        key = meeting.tenant, meeting.meeting_id
        with self._lock:
            self._kept[key] = now_s, meeting
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
