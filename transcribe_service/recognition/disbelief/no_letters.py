"""What is no word: dots, dashes and notes of music, which Whisper writes where it hears something that it cannot read. Pure."""

from transcribe_service.comparable import comparable
from transcribe_service.recognition.disbelief.heard import Heard


def no_letters(heard: Heard) -> frozenset[int]:
    """Positions of the words that have neither letter nor digit."""
    return frozenset(position for position, word in enumerate(heard.words) if not comparable(word.text))
