"""The service that keeps transcripts, as ingest's tests need it: in memory, or a server that answers what it is told."""

from collections import deque
from collections.abc import Iterable

import msgspec

from common.openai_transcripts import AudioUsage, VerboseSegment, VerboseTranscription, VerboseWord
from ingest_service.transcript_reader import MeetingStatus, StreamAccount, Written

UNDER_WAY = MeetingStatus(complete=False, streams=(StreamAccount(),))
DONE = MeetingStatus(complete=True, streams=(StreamAccount(audio_ms=2_500),))
VERBOSE = VerboseTranscription(
    language="en",
    duration=2.5,
    text="Good morning.",
    segments=(
        VerboseSegment(id=0, seek=0, start=0.0, end=0.7, text="Good morning.", avg_logprob=-0.1, compression_ratio=0.6),
    ),
    words=(VerboseWord("Good", 0.0, 0.2), VerboseWord("morning.", 0.2, 0.7)),
    usage=AudioUsage(seconds=2.5),
)
WRITTEN = {
    "verbose_json": Written(msgspec.json.encode(VERBOSE), "application/json"),
    "diarized_json": Written(b'{"task":"transcribe"}', "application/json"),
    "srt": Written(b"1\n00:00:00,000 --> 00:00:00,700\nGood morning.\n\n", "application/x-subrip"),
    "vtt": Written(b"WEBVTT\n\n", "text/vtt"),
}


class KeptTranscripts:
    """Answers one status after the other, and what it raises; nothing is known once they are used up. Keeps who asked for what."""

    def __init__(self, statuses: Iterable[MeetingStatus | Exception | None]) -> None:
        self.statuses = deque(statuses)
        self.asked: list[tuple[str, str]] = []

    def status(self, token: str, meeting_id: str) -> MeetingStatus | None:
        self.asked.append((token, meeting_id))
        found = self.statuses.popleft() if self.statuses else None
        if isinstance(found, Exception):
            raise found
        return found

    def written(self, token: str, meeting_id: str, format_: str) -> Written:
        self.asked.append((token, f"{meeting_id} as {format_}"))
        return WRITTEN[format_]
