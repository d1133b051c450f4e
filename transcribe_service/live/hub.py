"""The meetings that are watched in this process: one watcher each, however many readers there are."""

import threading
from typing import Final

from common.clock import Clock
from common.errors import Backpressure, TurnscribeError
from common.health import Drain
from common.logs import get_logger
from transcribe_service.live.reader import Reader
from transcribe_service.live.watched_meeting import WatchedMeeting
from transcribe_service.reading.stored_meeting import StoredMeetings

log = get_logger(__name__)

MEETING_POLL_S: Final = 2.0
"""So often the meeting's own record and its streams are looked at, where no segment changes."""
PAUSE_S: Final = 0.02
"""Between two looks, however many segments are stored."""
LINGER_S: Final = 30.0
"""So long a meeting that nobody reads stays watched: its readers may be on their way back."""
FAILED_PAUSE_S: Final = 2.0
RETRY_AFTER_S: Final = 5.0
OTHERS_THREADS: Final = 8
"""For pushes and whoever reads otherwise."""
Key = tuple[str, str]
"""Tenant and meeting."""


def live_places(wanted: int, threads: int | None) -> int:
    """How many readers a process may have whose server has `threads`; None: as many as it takes. Pure."""
    if threads is None:
        return wanted
    return max(1, min(wanted, max(threads // 2, threads - OTHERS_THREADS)))


class LiveHub:
    """Safe to use from many threads; one for each process."""

    def __init__(self, stored: StoredMeetings, *, readers: int, poll_s: float, clock: Clock, drain: Drain) -> None:
        self._stored = stored
        self._places = readers
        self._poll_s = poll_s
        self._clock = clock
        self._drain = drain
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._readers = 0
        self._watchers: dict[Key, _Watcher] = {}

    def reader(self, tenant: str, meeting_id: str, last_event_id: str) -> Reader:
        """Begin to read; close the reader in the end.

        Raises `Backpressure` where this process has as many readers as it may, a 404 `Problem`, `Retryable`.
        """
        with self._lock:
            if self._readers >= self._places:
                what = f"All {self._places} places for live readers of this instance are taken."
                raise Backpressure(what, reason="no_place", retry_after_s=RETRY_AFTER_S)
            self._readers += 1
        try:
            watcher = self._watcher((tenant, meeting_id))
        except BaseException:
            self._leave(None)
            raise
        try:
            return Reader(watcher.meeting, last_event_id, lambda: self._leave(watcher))
        except BaseException:
            self._leave(watcher)
            raise

    def wake(self, tenant: str, meeting_id: str) -> None:
        """Something of a meeting was stored in this process."""
        watcher = self._watchers.get((tenant, meeting_id))
        if watcher is not None:
            watcher.wake.set()

    def _watcher(self, key: Key) -> "_Watcher":
        """The meeting's watcher, with one more reader."""
        if found := self._joined(key):
            return found
        with self._opening:  # those who come at once for a meeting read it once
            if found := self._joined(key):
                return found
            made = _Watcher(WatchedMeeting(*key, self._stored), self._clock.monotonic_s())
            with self._lock:
                made.readers = 1
                self._watchers[key] = made
        threading.Thread(target=self._watch, args=(key, made), name="live", daemon=True).start()
        return made

    def _joined(self, key: Key) -> "_Watcher | None":
        """The watcher that is there already."""
        with self._lock:
            found = self._watchers.get(key)
            if found is None or found.meeting.is_deleted or found.meeting.is_over:
                return None
            found.readers += 1
            return found

    def _leave(self, watcher: "_Watcher | None") -> None:
        with self._lock:
            self._readers -= 1
            if watcher is not None:
                watcher.readers -= 1
                watcher.left_s = self._clock.monotonic_s()

    def _watch(self, key: Key, watcher: "_Watcher") -> None:
        """Until the process is asked to stop, or nobody has read for a while."""
        try:
            self._refresh_until_left(key, watcher)
        finally:  # readers that nobody tells anything any more come again
            with self._lock:
                if self._watchers.get(key) is watcher:
                    del self._watchers[key]
            watcher.meeting.end()

    def _refresh_until_left(self, key: Key, watcher: "_Watcher") -> None:
        looked_s = self._clock.monotonic_s()
        while not (self._drain.started or watcher.meeting.is_deleted or self._is_left(key, watcher)):
            watcher.wake.wait(self._poll_s)
            watcher.wake.clear()
            now_s = self._clock.monotonic_s()
            is_due = now_s - looked_s >= MEETING_POLL_S
            if is_due:
                looked_s = now_s
            try:
                watcher.meeting.refresh(meeting_too=is_due)
            except TurnscribeError as error:
                log.warning("live_behind", reason=error.reason, meeting_id=key[1])
                self._drain.wait(FAILED_PAUSE_S)
            self._drain.wait(PAUSE_S)

    def _is_left(self, key: Key, watcher: "_Watcher") -> bool:
        with self._lock:
            is_left = not watcher.readers and self._clock.monotonic_s() - watcher.left_s >= LINGER_S
            if is_left and self._watchers.get(key) is watcher:
                del self._watchers[key]
        return is_left


class _Watcher:
    """Guarded by the hub's lock."""

    def __init__(self, meeting: WatchedMeeting, left_s: float) -> None:
        self.meeting = meeting
        self.wake = threading.Event()
        self.readers = 0
        self.left_s = left_s
