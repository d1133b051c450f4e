"""In which language Whisper is asked, and when a detected one is believed for the whole meeting. Pure."""

from typing import Final

from common.ports.meeting_store import Meeting
from transcribe_service.whisper.client import WhisperResult
from transcribe_service.whisper.language_codes import code_of

CLEAR_WORDS: Final = 8
CLEAR_PROBABILITY: Final = 0.6
"""A language that Whisper detects in a cough is as good as a guess: so many words, so certain on average, are speech."""


def language_to_ask(*, of_connection: str, meeting: Meeting, installation: str) -> str:
    """An ISO 639 code for Whisper, or empty: it detects the language.

    What people fixed counts first, the narrower before the wider: the connection's, the meeting's, the installation's; then what was
    detected before in the meeting. Of `pt-BR` Whisper knows `pt`. A language that it may not know is asked for all the same: other
    servers know more.
    """
    named = of_connection or meeting.language or installation or meeting.detected_language
    return code_of(named) or named.partition("-")[0].lower()


def clearly_heard(result: WhisperResult) -> str:
    """The code of the language that a segment is clearly in; empty where it has too few words, or Whisper is unsure of them."""
    words = result.words
    if len(words) < CLEAR_WORDS or sum(word.probability for word in words) < CLEAR_PROBABILITY * len(words):
        return ""
    return code_of(result.language)
