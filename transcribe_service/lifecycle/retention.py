"""How long a tenant keeps audio and transcripts, and the work that removes what is older.

Each tenant's retention is work that comes due once an hour. Where the installation has one (RETENTION_DAYS), tenants that have said
nothing get such work too: they are looked for once an hour by each process.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from common.errors import TurnscribeError
from common.logs import get_logger
from common.ports.meeting_store import Cursor, Meeting
from common.ports.work_store import Work
from transcribe_service.lifecycle.deletion import Deletions
from transcribe_service.lifecycle.stores import Stores
from transcribe_service.lifecycle.work_content import RETENTION, content_of, new_work, replaced, with_content

log = get_logger(__name__)
DAY_MS: Final = 86_400_000
ROUND_MS: Final = 3_600_000
SOON_MS: Final = 10_000
MEETINGS_A_ROUND: Final = 20
"""Of one tenant at a time; what is left comes due soon."""
POSTPONED: Final = 500
"""Meetings that were still open when they were old enough, remembered for their audio."""
Days = Annotated[int, Meta(ge=1, le=36_500)]


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days, from when a meeting was opened, its audio and its transcript are kept. None: for ever."""

    audio_days: Days | None
    transcript_days: Days | None


class RetentionContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant wants, and how far its meetings' audio is removed."""

    wanted: Retention | None = None
    """None: what the installation has."""
    audio_after: Cursor | None = None
    """The audio of all meetings up to here is gone, but for those postponed."""
    postponed: tuple[str, ...] = ()


@dataclass
class Retentions:
    """Of all tenants. Raises `Retryable`."""

    stores: Stores
    deletions: Deletions
    audio_deletions: Deletions
    looked_s: float | None = field(default=None)

    @property
    def default(self) -> Retention:
        """What tenants have that have said nothing."""
        days = self.stores.settings.retention_days or None
        return Retention(audio_days=days, transcript_days=days)

    def get(self, tenant: str) -> Retention:
        """What a tenant has."""
        work = self.stores.works.get(tenant, RETENTION)
        return (content_of(work, RetentionContent).wanted if work else None) or self.default

    def put(self, tenant: str, wanted: Retention) -> None:
        """Have a tenant's meetings kept so long from now on. Durable on return; what is too old goes with the next sweeps."""
        now_ms = self.stores.clock.now_ms()
        content = RetentionContent(wanted=wanted)
        if not self.stores.works.add(new_work(tenant, RETENTION, RETENTION, content, now_ms)):
            self.stores.works.change(tenant, RETENTION, lambda there: with_content(there, content, now_ms))

    def look_for_tenants(self) -> None:
        """Where the installation has a retention: give work to tenants that have none. Once an hour."""
        now_s = self.stores.clock.monotonic_s()
        if not self.stores.settings.retention_days or (
            self.looked_s is not None and now_s - self.looked_s < ROUND_MS / 1000
        ):
            return
        for tenant in self.stores.meetings.tenants():
            work = new_work(tenant, RETENTION, RETENTION, RetentionContent(), self.stores.clock.now_ms())
            self.stores.works.add(work)
        self.looked_s = now_s

    def go_on(self, work: Work) -> None:
        """Remove some of what is too old, the oldest first."""
        content, now_ms = content_of(work, RetentionContent), self.stores.clock.now_ms()
        wanted = content.wanted or self.default
        is_more = False
        if wanted.transcript_days is not None:
            is_more = self._delete(work.tenant, now_ms - wanted.transcript_days * DAY_MS)
        if wanted.audio_days is not None and wanted.audio_days != wanted.transcript_days:
            content, is_more_audio = self._delete_audio(work.tenant, content, now_ms - wanted.audio_days * DAY_MS)
            is_more = is_more or is_more_audio
        is_kept_for_ever = wanted.audio_days is None and wanted.transcript_days is None
        due_ms = None if is_kept_for_ever else now_ms + (SOON_MS if is_more else ROUND_MS)
        self.stores.works.change(work.tenant, work.work_id, lambda there: _looked(there, content, due_ms))

    def _delete(self, tenant: str, before_ms: int) -> bool:
        """True when there are more that are old enough."""
        after: Cursor | None = None
        deleted = 0
        while deleted < MEETINGS_A_ROUND:
            old = self.stores.meetings.opened_before(tenant, before_ms, limit=MEETINGS_A_ROUND, after=after)
            for meeting in old:
                after = Cursor(meeting.opened_at_ms, meeting.meeting_id)
                deleted += self._is_closed(meeting) and self._asked(self.deletions, meeting)
            if len(old) < MEETINGS_A_ROUND:
                return False
        return True

    def _delete_audio(self, tenant: str, content: RetentionContent, before_ms: int) -> tuple[RetentionContent, bool]:
        later = list[str]()
        for meeting_id in content.postponed:
            meeting = self.stores.meetings.get(tenant, meeting_id)
            if meeting is not None and not (self._is_closed(meeting) and self._asked(self.audio_deletions, meeting)):
                later.append(meeting_id)
        old = self.stores.meetings.opened_before(tenant, before_ms, limit=MEETINGS_A_ROUND, after=content.audio_after)
        after = content.audio_after
        for meeting in old:
            if not self._is_closed(meeting) or not self._asked(self.audio_deletions, meeting):
                later.append(meeting.meeting_id)
            after = Cursor(meeting.opened_at_ms, meeting.meeting_id)
        done = replaced(content, audio_after=after, postponed=tuple(later[:POSTPONED]))
        return done, len(old) == MEETINGS_A_ROUND

    def _asked(self, deletions: Deletions, meeting: Meeting) -> bool:
        """One meeting's failure keeps no other waiting: it is tried again."""
        if deletions.audio_only and meeting.audio_erased_at_ms is not None:
            return True
        try:
            deletions.request(meeting.tenant, meeting.meeting_id)
        except TurnscribeError as error:
            log.warning("retention_failed", meeting_id=meeting.meeting_id, reason=error.reason)
            return False
        return True

    def _is_closed(self, meeting: Meeting) -> bool:
        streams = self.stores.streams.of_meeting(meeting.tenant, meeting.meeting_id)
        return all(each.summary is not None or each.without_audio for each in streams)


def _looked(work: Work, content: RetentionContent, due_ms: int | None) -> Work:
    """Unless the tenant has said something else meanwhile, which is due then."""
    if content_of(work, RetentionContent).wanted != content.wanted:
        return work
    return with_content(work, content, due_ms)
