"""From a segment's audio to what Whisper heard in it: which language it is asked in, what it is told before, how many calls at a time."""

from dataclasses import dataclass, field

import msgspec

from common.clock import Clock
from common.errors import Retryable
from common.events import SegmentReady
from common.logs import get_logger
from common.ports.meeting_store import Meeting
from common.ports.transcript_store import Word
from transcribe_service.recognition.carried_text import CarriedText
from transcribe_service.recognition.known_meetings import KnownMeetings
from transcribe_service.recognition.language import clearly_heard, language_to_ask
from transcribe_service.recognition.prompt import prompt_of
from transcribe_service.settings import TranscribeSettings
from transcribe_service.whisper.client import WhisperClient, WhisperResult
from transcribe_service.whisper.places import WhisperPlaces

log = get_logger(__name__)


class Recognised(msgspec.Struct, frozen=True):
    """What Whisper heard, and the language that it was asked in or found; empty where neither is known."""

    result: WhisperResult
    language: str


@dataclass(frozen=True)
class Recogniser:
    """Asks Whisper. Safe to use from many threads."""

    settings: TranscribeSettings
    whisper: WhisperClient
    places: WhisperPlaces
    meetings: KnownMeetings
    clock: Clock
    carried: CarriedText = field(default_factory=CarriedText)

    def recognise(self, event: SegmentReady, audio: bytes) -> Recognised:
        """What is said in `audio`, FLAC. Provisional work waits for no place at Whisper. Raises the three errors."""
        began_s = self.clock.monotonic_s()
        meeting = self.meetings.get(event.tenant, event.meeting_id)
        language = self._language(event, meeting)
        prompt = self._prompt(event, meeting)
        with self.places.taken(wait_s=self.settings.processing_wait_sec if event.final else 0.0):
            asked_s = self.clock.monotonic_s()
            result = self.whisper.transcribe(audio, language=language, prompt=prompt, model=event.model)
        log.info(
            "segment_recognised",
            segment_id=event.segment_id,
            revision=event.revision,
            final=event.final,
            audio_ms=event.end_ms - event.start_ms,
            sent_ms=event.end_ms - event.start_ms + 2 * event.padding_ms,
            waited_ms=round((asked_s - began_s) * 1000),
            whisper_ms=round((self.clock.monotonic_s() - asked_s) * 1000),
            took_ms=round((self.clock.monotonic_s() - began_s) * 1000),
            whisper_words=len(result.words),
        )
        if event.final and not language:
            self._remember_language(event, result)
        return Recognised(result, result.language or language)

    def said(self, event: SegmentReady, words: tuple[Word, ...]) -> None:
        """A final segment has these words: what the next one on its lane may be told."""
        if self.settings.whisper_carry_text:
            self.carried.say(event, words)

    def _language(self, event: SegmentReady, meeting: Meeting) -> str:
        if self.settings.whisper_detect_language == "segment":
            meeting = msgspec.structs.replace(meeting, detected_language="")
        return language_to_ask(
            of_connection=event.options.language, meeting=meeting, installation=self.settings.whisper_language
        )

    def _prompt(self, event: SegmentReady, meeting: Meeting) -> str:
        carried = self.carried.before(event) if self.settings.whisper_carry_text else ""
        return prompt_of(carried=carried, of_connection=event.options.prompt, vocabulary=meeting.vocabulary)

    def _remember_language(self, event: SegmentReady, result: WhisperResult) -> None:
        heard = clearly_heard(result)
        if not heard or self.settings.whisper_detect_language == "segment":
            return
        try:
            self.meetings.heard_language(event.tenant, event.meeting_id, heard)
        except Retryable as error:  # the next segment finds it again
            log.warning("language_not_remembered", reason=error.reason)
