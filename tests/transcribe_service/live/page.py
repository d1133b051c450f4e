"""What a page makes of live events, and what it should have made of them."""

import json
from typing import Any

import msgspec

from tests.transcribe_service.fakes import World
from transcribe_service.live.reader import Reader
from transcribe_service.live.watched_meeting import WatchedMeeting
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.reading.transcript import transcript

Json = dict[str, Any]


class Event(msgspec.Struct, frozen=True):
    """One server-sent event."""

    id: str
    name: str
    data: Json


def parsed(sent: bytes) -> list[Event]:
    """The events of an answer or of a part of it; comments are none."""
    events = []
    for block in sent.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            events.append(Event(fields["id"], fields["event"], json.loads(fields["data"])))
    return events


class Page:
    """Does what it is told by events, and remembers the last id."""

    def __init__(self) -> None:
        self.last_event_id = ""
        self.ids: list[str] = []
        self.names: list[str] = []
        self.meeting: Json = {}
        self.is_deleted = False
        self._segments: dict[str, Json] = {}

    def take(self, event: Event) -> None:
        self.last_event_id = event.id
        self.ids.append(event.id)
        self.names.append(event.name)
        match event.name:
            case "reset":
                self._segments.clear()
            case "meeting":
                self.meeting = event.data
            case "segment":
                self._segments[event.data["segment_id"]] = event.data
            case "removed":
                self._segments.pop(event.data["segment_id"], None)
            case "deleted":
                self.is_deleted = True
            case other:
                raise AssertionError(other)

    def read(self, reader: Reader, at_most: int | None = None) -> int:
        """Take all that there is, or the first events only, as a page whose connection breaks; returns how many came."""
        taken = 0
        while sent := reader.next(0):
            for event in parsed(sent):
                if taken == at_most:
                    return taken
                self.take(event)
                taken += 1
        return taken

    @property
    def utterances(self) -> list[Json]:
        said = [each for segment in self._segments.values() for each in segment["utterances"]]
        return sorted(said, key=lambda each: (each["start_ms"], each["connection_id"], each["segment_id"]))


def stored(world: World) -> StoredMeetings:
    return StoredMeetings(world.transcripts, world.streams, world.meetings)


def watched(world: World) -> WatchedMeeting:
    """A process that begins to watch."""
    return WatchedMeeting("default", "m1", stored(world))


def reading(meeting: WatchedMeeting, last_event_id: str = "") -> Reader:
    return Reader(meeting, last_event_id, lambda: None)


def should_be_shown(world: World) -> list[Json]:
    """What who asks for the transcript gets."""
    found = stored(world).read("default", "m1")
    names = found.meeting.speaker_names
    document = transcript("m1", found.streams, found.segments, provisional=True, names=names)
    return json.loads(msgspec.json.encode(document.utterances))
