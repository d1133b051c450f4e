"""One reader of a live meeting: what to send to it next."""

from collections.abc import Callable, Iterator

from transcribe_service.live.event_ids import is_of_nothing
from transcribe_service.live.watched_meeting import PART_BYTES, WatchedMeeting


class Reader:
    """A place in what there is to be sent. For one thread; `close` may come from any, and more than once."""

    def __init__(self, watched: WatchedMeeting, last_event_id: str, gone: Callable[[], None]) -> None:
        """Goes on behind `last_event_id`; where that can't be, from the beginning, with a `reset` before it for who may have something."""
        self._watched = watched
        self._gone = gone
        self._has_nothing = not last_event_id or is_of_nothing(last_event_id)
        self._has_ended = False
        self._coming_up: Iterator[bytes] | None = None
        self._seq = self._beginnings = 0
        if last_event_id:
            watched.catch_up_with(last_event_id)
        with watched.changed:
            going_on = watched.continuation(last_event_id) if last_event_id else None
            self._go_on(going_on or watched.beginning(again=not self._has_nothing))

    def next(self, timeout_s: float) -> bytes | None:
        """The next events, some at a time. Empty where none came in time; None once there will be none any more."""
        if self._coming_up is not None:
            if part := _part(self._coming_up):
                return part
            self._coming_up = None
        watched = self._watched
        with watched.changed:
            if self._has_ended or not watched.changed.wait_for(self._has_news, timeout_s):
                return None if self._has_ended else b""
            if watched.is_deleted:
                self._has_ended = True
                return watched.last_word()
            if watched.is_over:
                return None
            if self._beginnings != watched.beginnings:
                return _part(self._go_on(watched.beginning(again=not self._has_nothing)))
            self._seq, events = watched.news(self._seq)
            self._has_nothing = watched.has_nothing
            return events

    def close(self) -> None:
        """Nobody reads any more."""
        gone, self._gone = self._gone, _nothing
        gone()

    def _go_on(self, coming_up: Iterator[bytes]) -> Iterator[bytes]:
        """With these events, which bring the reader to where the meeting is now."""
        self._coming_up = coming_up
        self._seq, self._beginnings = self._watched.transcript.seq, self._watched.beginnings
        self._has_nothing = self._watched.has_nothing
        return coming_up

    def _has_news(self) -> bool:
        watched = self._watched
        return (
            watched.is_over
            or watched.is_deleted
            or self._beginnings != watched.beginnings
            or watched.transcript.seq != self._seq
        )


def _part(events: Iterator[bytes]) -> bytes:
    part: list[bytes] = []
    size = 0
    for each in events:
        part.append(each)
        size += len(each)
        if size >= PART_BYTES:
            break
    return b"".join(part)


def _nothing() -> None:
    pass
