"""`meeting.completed`: once for each completion of a meeting, as soon as it is seen.

It is looked for at a final segment of a meeting all of whose streams are closed, and by the sweep, which finds the streams that were
closed after their last segment. Looking reads the whole meeting, so a process looks again only after it has seen a fourth of what was
missing; whatever that misses, the sweep finds.
"""

import hashlib
import threading
from collections.abc import Sequence
from typing import Final

from common.clock import Clock
from common.ports.delivery_store import Delivery
from common.ports.stream_registry import StreamRecord, StreamRegistry
from common.ports.transcript_store import SegmentTranscript
from common.problems import Problem
from transcribe_service.delivery.orders import Orders
from transcribe_service.delivery.receivers import COMPLETED
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.reading.transcript import meeting_status

SHARE: Final = 4
MEETINGS_REMEMBERED: Final = 10_000
STREAMS_A_SWEEP: Final = 200
RECENT_MS: Final = 6 * 3_600_000
"""The sweep looks at streams that were closed at most so long ago: what is complete later than that is seen at its last segment."""


class Completion:
    """Looks whether meetings are complete. Safe to use from many threads."""

    def __init__(self, orders: Orders, stored: StoredMeetings, streams: StreamRegistry, clock: Clock) -> None:
        self._orders = orders
        self._stored = stored
        self._streams = streams
        self._clock = clock
        self._lock = threading.Lock()
        self._to_come: dict[tuple[str, str], int] = {}
        """How many more final segments this process waits for before it looks again."""
        self._told: dict[tuple[str, str], int] = {}

    def look(self, tenant: str, meeting_id: str, connection_id: str) -> None:
        """A final segment of a connection is stored. Raises the three errors."""
        if not self._orders.has_receivers(tenant, COMPLETED):
            return
        record = self._streams.get(tenant, connection_id)
        if record is None or record.summary is None:
            return
        streams = self._streams.of_meeting(tenant, meeting_id)
        if streams and all(each.summary for each in streams) and not self._waits((tenant, meeting_id)):
            self._look_now(tenant, meeting_id)

    def sweep(self) -> int:
        """Look at the meetings of streams that were closed and not found complete yet. Returns how many are. Raises the three errors."""
        now_ms = self._clock.now_ms()
        found: dict[tuple[str, str], int] = {}
        for record in self._streams.unsettled(due_ms=now_ms, limit=STREAMS_A_SWEEP):
            if record.summary is not None and now_ms - record.summary.closed_at_ms <= RECENT_MS:
                key = record.tenant, record.meeting_id
                found[key] = max(found.get(key, 0), record.summary.closed_at_ms)
        complete = 0
        for key, closed_at_ms in found.items():
            if self._told.get(key, -1) < closed_at_ms and self._orders.has_receivers(key[0], COMPLETED):
                complete += self._look_now(*key)
        return complete

    def _waits(self, key: tuple[str, str]) -> bool:
        with self._lock:
            left = self._to_come.get(key, 0) - 1
            if left <= 0:
                self._to_come.pop(key, None)
                return False
            self._to_come[key] = left
            return True

    def _look_now(self, tenant: str, meeting_id: str) -> bool:
        try:
            meeting = self._stored.read(tenant, meeting_id)
        except Problem:
            return False  # it was deleted
        status = meeting_status(meeting_id, meeting.streams, meeting.segments)
        if not status.complete:
            self._remember(self._to_come, (tenant, meeting_id), missing(meeting.streams, meeting.segments) // SHARE)
            return False
        closed_at_ms = max(each.summary.closed_at_ms for each in meeting.streams if each.summary)
        self._orders.order(self._about(tenant, meeting_id, meeting.streams[-1].connection_id, closed_at_ms))
        self._remember(self._told, (tenant, meeting_id), closed_at_ms)
        return True

    def _remember(self, what: dict[tuple[str, str], int], key: tuple[str, str], value: int) -> None:
        with self._lock:
            if len(what) >= MEETINGS_REMEMBERED:
                what.clear()
            what[key] = value

    def _about(self, tenant: str, meeting_id: str, connection_id: str, closed_at_ms: int) -> Delivery:
        now_ms = self._clock.now_ms()
        identity = f"{COMPLETED}|{tenant}|{meeting_id}|{closed_at_ms}"
        return Delivery(
            tenant=tenant,
            receiver="",
            subject=f"{COMPLETED} {meeting_id}",
            type=COMPLETED,
            meeting_id=meeting_id,
            connection_id=connection_id,
            rank=max(0, closed_at_ms),
            message_id=f"msg_{hashlib.sha256(identity.encode()).hexdigest()[:32]}",
            happened_at_ms=now_ms,
            since_ms=now_ms,
            due_ms=now_ms,
        )


def missing(streams: Sequence[StreamRecord], segments: Sequence[SegmentTranscript]) -> int:
    """How many final segments of closed streams are not stored yet. Pure."""
    expected = sum(each.summary.segments for each in streams if each.summary)
    return max(0, expected - sum(each.final for each in segments))
