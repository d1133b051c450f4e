"""The other transcriptions of one meeting: which there were, and how far the one under way is. Pure."""

from typing import Literal

import msgspec

from common.events import SegmentReady
from common.ports.work_store import Work
from transcribe_service.lifecycle.work_content import content_of, replaced
from transcribe_service.recognition.prompt import prompt_of


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """One other transcription of a meeting."""

    take: str
    replaces: str
    """The one that readers saw when it was asked for."""
    model: str = ""
    language: str = ""
    vocabulary: tuple[str, ...] = ()
    requested_at_ms: int
    state: Literal["running", "complete", "failed"] = "running"
    reason: str = ""
    """Why it failed."""
    segments: int = 0
    """How many are stored."""
    segments_expected: int = 0
    published_at_ms: int | None = None
    """When its segments were last given to Whisper."""
    finished_at_ms: int | None = None


class RetranscriptionContent(msgspec.Struct, frozen=True, kw_only=True):
    """All of a meeting's, the newest last. One is under way at a time."""

    meeting_id: str
    takes: tuple[Take, ...] = ()

    @property
    def running(self) -> Take | None:
        """The one under way."""
        return next((each for each in self.takes if each.state == "running"), None)

    def with_take(self, take: Take) -> "RetranscriptionContent":
        """The same with `take`, new or in place of what it was."""
        others = tuple(each for each in self.takes if each.take != take.take)
        return replaced(self, takes=(*others, take))


def takes_of(work: Work | None) -> tuple[str, ...]:
    """The takes that the work knows of; none where there is no work."""
    return () if work is None else tuple(each.take for each in content_of(work, RetranscriptionContent).takes)


def next_take(content: RetranscriptionContent) -> str:
    """A name that no transcription of the meeting had before."""
    return str(1 + max((int(each.take) for each in content.takes), default=0))


def asked_for(event: SegmentReady, take: Take) -> SegmentReady:
    """The event of a stored segment, for another transcription: what was not asked to be different stays as the uploader said."""
    options = msgspec.structs.replace(
        event.options,
        language=take.language or event.options.language,
        prompt=prompt_of(carried="", of_connection=event.options.prompt, vocabulary=take.vocabulary),
    )
    return msgspec.structs.replace(event, take=take.take, model=take.model, options=options)
