"""Waiting until meetings are transcribed, and taking their transcripts. Prints nothing."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from turnscribe.client import Client, TranscriptFormat
from turnscribe.errors import NotFound, TurnscribeClientError
from turnscribe.schema import Transcript

LOOK_EVERY_S: Final = 1.0
SUFFIXES: Final[Mapping[str, str]] = {"text": "txt", "srt": "srt", "vtt": "vtt", "json": "json"}


class NotTranscribed(TurnscribeClientError):
    """Meetings did not get ready while there was time. The message names them."""


@dataclass(frozen=True)
class _Seen:
    """What changes while a meeting is being transcribed."""

    streams: tuple[tuple[str, str], ...]
    finals: int


def is_transcribed(transcript: Transcript, connections: Collection[str]) -> bool:
    """Whether everything of those connections is in it. Pure.

    A connection that was just uploaded may not be known yet; without it the transcript can look complete.
    """
    return transcript.complete and set(connections) <= {stream.connection_id for stream in transcript.streams}


def wait_until_transcribed(
    client: Client,
    meetings: Mapping[str, Collection[str]],
    *,
    timeout_s: float,
    ready: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    monotonic_s: Callable[[], float] = time.monotonic,
) -> None:
    """Return once each meeting has the transcripts of its connections; `ready` is told of one after the other.

    Raises `NotTranscribed` when nothing of any has changed for `timeout_s`, or an error of the client.
    """
    waiting, seen = dict(meetings), dict[str, _Seen]()
    changed_s = monotonic_s()
    while True:
        for meeting_id, connections in list(waiting.items()):
            try:
                transcript = client.transcript(meeting_id)
            except NotFound:
                continue  # no event of it has arrived yet
            if is_transcribed(transcript, connections):
                del waiting[meeting_id]
                changed_s = monotonic_s()
                ready(meeting_id)
                continue
            now = _Seen(
                tuple((stream.connection_id, stream.state) for stream in transcript.streams),
                sum(utterance.final for utterance in transcript.utterances),
            )
            if seen.get(meeting_id) != now:
                seen[meeting_id] = now
                changed_s = monotonic_s()
        if not waiting:
            return
        if monotonic_s() - changed_s >= timeout_s:
            raise NotTranscribed(
                f"not transcribed after {timeout_s:g} s without any change: {', '.join(sorted(waiting))}; they may get ready later"
            )
        sleep(LOOK_EVERY_S)


def write_transcript(client: Client, meeting_id: str, format_: TranscriptFormat, folder: Path) -> Path:
    """The transcript as a file in `folder`, which is made where it is missing. Raises `OSError` or an error of the client."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{meeting_id}.{SUFFIXES[format_]}"
    path.write_bytes(client.transcript_bytes(meeting_id, format_))
    return path
