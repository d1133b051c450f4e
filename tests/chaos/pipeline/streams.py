"""Which recording goes which way, and who is said to speak in it: the twenty streams that are uploaded at once. Pure."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from tests.chaos.pipeline.installation import StackName
from tests.chaos.pipeline.recordings import Recording, recordings

START_MS: Final = 1_750_000_000_000
"""When every recording began (epoch), on its uploader's clock. The same each time, so that transcripts can be compared with their times."""
Way = Literal[
    "chunks", "sdk", "websocket", "tus", "recording", "extension", "session", "topic chunks", "topic file", "folder"
]
Speakers = Literal["nobody", "masks", "intervals"]


@dataclass(frozen=True)
class PlannedStream:
    """One stream, the same in every schedule but for its ids."""

    recording: Recording
    way: Way
    speakers: Speakers = "nobody"
    with_name: str = ""
    """Another stream whose meeting this one belongs to; it begins once that one's first chunk is accepted."""

    @property
    def name(self) -> str:
        return self.recording.name

    def connection_id(self, run: str) -> str:
        """As far as the uploader gives it one; some ways name their connections themselves."""
        return f"{run}-{_plain(self.name)}"

    def meeting_id(self, run: str) -> str:
        if self.way == "session":  # its meeting is called like it
            return self.connection_id(run)
        return f"{run}-meeting-{_plain(self.with_name or self.name)}"

    @property
    def channels(self) -> Literal["mix", "separate"]:
        return "separate" if self.recording.name == "two channels" else "mix"

    @property
    def has_own_clock(self) -> bool:
        """Whether the uploader says when it was recorded; else the time of arrival counts, which no two runs share."""
        return self.way not in {"session", "folder"}


def planned_streams(stack: StackName) -> tuple[PlannedStream, ...]:
    """The streams of one schedule."""
    made = recordings()

    def stream(name: str, way: Way, speakers: Speakers = "nobody", with_name: str = "") -> PlannedStream:
        return PlannedStream(made[name], way, speakers, with_name)

    return (
        stream("chromium", "chunks", "masks"),
        stream("firefox", "sdk", "masks"),
        stream("lost chunk", "sdk", "masks"),
        stream("pause", "extension", "masks"),
        stream("two channels", "sdk"),
        stream("first of two", "chunks", "masks"),
        stream("second of two", "websocket", "masks", with_name="first of two"),
        stream("ogg opus", "websocket", "masks"),
        stream("ogg vorbis", "recording"),
        stream("ogg flac", "sdk", "intervals"),
        stream("flac", "websocket", "intervals"),
        stream("wav", "chunks", "masks"),
        stream("pcm", "chunks", "intervals"),
        stream("mu-law", "topic chunks", "intervals"),
        stream("mp3", "session"),
        stream("adts", "extension", "masks"),
        stream("mp4 opus", "websocket"),
        stream("mp4 aac", "chunks", "masks"),
        stream("m4a", "tus", "intervals"),
        stream("aiff", "folder" if stack == "runner" else "topic file"),
        stream("no audio", "extension"),
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name)
