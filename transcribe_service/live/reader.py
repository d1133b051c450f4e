"""One reader of a live meeting: what to send to it next."""

from collections.abc import Callable, Iterator

from transcribe_service.live.watched_meeting import PART_BYTES, WatchedMeeting


class Reader:
    """A place in what there is to be sent. For one thread; `close` may come from any, and more than once."""

    def __init__(self, watched: WatchedMeeting, last_event_id: str, gone: Callable[[], None]) -> None:
        """Goes on behind `last_event_id`; from the beginning where it is empty, and with a `reset` before that where it says nothing."""
        self._watched = watched
        self._gone = gone
        if last_event_id:
            watched.catch_up_with(last_event_id)
        with watched.changed:
            going_on = watched.continuation(last_event_id) if last_event_id else None
            self._coming_up: Iterator[bytes] | None = going_on or watched.beginning(again=bool(last_event_id))
            self._seq = watched.transcript.seq
            self._beginnings = watched.beginnings
        self._has_ended = False

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
                self._coming_up = watched.beginning(again=True)
                self._seq, self._beginnings = watched.transcript.seq, watched.beginnings
                return _part(self._coming_up)
            self._seq, events = watched.news(self._seq)
            return events

    def close(self) -> None:
        """Nobody reads any more."""
        gone, self._gone = self._gone, _nothing
        gone()

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
