"""What a server says of a live meeting, event by event, and how that is read from server-sent events. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from turnscribe.errors import UnexpectedAnswer
from turnscribe.schema import StreamAccount, Utterance


class MeetingNow(msgspec.Struct, frozen=True, kw_only=True):
    """The meeting itself: first, and whenever it changes."""

    meeting_id: str
    complete: bool
    """Every stream is closed and each of its segments is transcribed. More may come all the same: another stream."""
    streams: tuple[StreamAccount, ...]
    epoch_ms: int = 0
    """Epoch milliseconds at which the meeting's clock is 0."""
    title: str = ""
    language: str = ""
    speaker_names: dict[str, str] = {}


class SegmentNow(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be shown of a segment from now on, in place of what was. Times are milliseconds since the meeting's start."""

    segment_id: str
    connection_id: str
    channel: int
    revision: int
    final: bool
    """False: live, may still change."""
    start_ms: int
    end_ms: int
    utterances: tuple[Utterance, ...]


class SegmentRemoved(msgspec.Struct, frozen=True):
    """Nothing is to be shown of that segment any more. It may be one that was not shown."""

    segment_id: str


class MeetingReset(msgspec.Struct, frozen=True):
    """Forget everything: all follows anew."""

    meeting_id: str


class MeetingDeleted(msgspec.Struct, frozen=True):
    """There is no such meeting any more. Nothing follows."""

    meeting_id: str


LiveEvent = MeetingNow | SegmentNow | SegmentRemoved | MeetingReset | MeetingDeleted
_KINDS: Final[Mapping[str, type[Any]]] = {
    "meeting": MeetingNow,
    "segment": SegmentNow,
    "removed": SegmentRemoved,
    "reset": MeetingReset,
    "deleted": MeetingDeleted,
}


class SentEvent(msgspec.Struct, frozen=True):
    """An event as it was sent."""

    id: str
    name: str
    data: str

    def decoded(self) -> LiveEvent | None:
        """What it says; None where this client does not know such events. Raises `UnexpectedAnswer`."""
        kind = _KINDS.get(self.name)
        if kind is None:
            return None
        try:
            said: LiveEvent = msgspec.json.decode(self.data, type=kind)
        except msgspec.DecodeError as error:
            raise UnexpectedAnswer(f"the server's event is no {kind.__name__}: {error}") from error
        return said


class EventParser:
    """Server-sent events from pieces of an answer, however it is split (WHATWG HTML, 9.2.6)."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        """After how long the server asks to be called again."""
        self._rest = b""
        self._id = ""
        self._name = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[SentEvent]:
        """The events that end in `piece`."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            sent = self._line(line.rstrip(b"\r").decode("utf-8", "replace"))
            if sent is not None:
                yield sent

    def _line(self, line: str) -> SentEvent | None:
        if not line:
            sent = SentEvent(self._id, self._name, "\n".join(self._data)) if self._data else None
            self._name, self._data = "", []
            return sent
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "id":
                self._id = value
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "retry" if value.isascii() and value.isdecimal():
                self.retry_ms = int(value)
        return None
