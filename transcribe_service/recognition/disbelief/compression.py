"""Text that compresses too well to have been spoken: Whisper's own sign that its decoder went astray. Pure."""

import zlib
from typing import Final

from transcribe_service.recognition.disbelief.heard import Heard
from transcribe_service.recognition.disbelief.repetition import loops
from transcribe_service.whisper.client import WhisperSegment

COMPRESSION_RATIO: Final = 2.4
"""Whisper's own threshold. Speech has about 1.3 in ten seconds and 1.9 in a minute."""


def compression_ratio(text: str) -> float:
    """As Whisper computes it: bytes of UTF-8 for each byte of zlib; 0 for no text."""
    data = text.strip().encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def compression(heard: Heard) -> frozenset[int]:
    """Positions of the words in spans that compress too well, by the server's number or else by ours.

    A span that is mostly speech and ends in a loop is left to `repetition`, which takes out the loop alone.
    """
    return heard.only_in(lambda span: _went_astray(heard, span))


def _went_astray(heard: Heard, span: WhisperSegment) -> bool:
    told = span.compression_ratio
    if (told if told is not None else compression_ratio(span.text)) <= COMPRESSION_RATIO:
        return False
    texts = [heard.words[position].text for position in sorted(heard.only_in(lambda each: each is span))]
    found = list(loops(texts))
    if not found or 2 * sum(loop.words for loop in found) >= len(texts):
        return True
    gone = {position for loop in found for position in range(loop.start + loop.size, loop.end)}
    left = " ".join(text for position, text in enumerate(texts) if position not in gone)
    return compression_ratio(left) > COMPRESSION_RATIO
