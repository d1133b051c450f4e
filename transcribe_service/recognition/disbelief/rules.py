"""All reasons not to believe a word, in the order in which they are asked. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from transcribe_service.recognition.disbelief.compression import compression
from transcribe_service.recognition.disbelief.heard import Heard
from transcribe_service.recognition.disbelief.invented_tail import invented_tail
from transcribe_service.recognition.disbelief.no_letters import no_letters
from transcribe_service.recognition.disbelief.no_speech import no_speech
from transcribe_service.recognition.disbelief.outside_audio import outside_audio
from transcribe_service.recognition.disbelief.repetition import repetition
from transcribe_service.whisper.client import WhisperWord

RULES: Final[Mapping[str, Callable[[Heard], frozenset[int]]]] = {
    "outside_audio": outside_audio,
    "no_letters": no_letters,
    "no_speech": no_speech,
    "compression_ratio": compression,
    "repetition": repetition,
    "invented_tail": invented_tail,
}
"""By the reason that is counted: the positions of the words that a rule does not believe, among those that earlier rules left."""


class Believed(msgspec.Struct, frozen=True):
    """Words that are taken for said, and how many were not, by reason. Reasons that met nothing are left out."""

    words: tuple[WhisperWord, ...]
    dropped: Mapping[str, int]


def believed(heard: Heard) -> Believed:
    """Ask all of `RULES`. Whatever is left is a subsequence of `heard.words`."""
    dropped: dict[str, int] = {}
    for reason, unbelieved in RULES.items():
        if positions := unbelieved(heard):
            dropped[reason] = len(positions)
            heard = heard.without(positions)
    return Believed(heard.words, dropped)
