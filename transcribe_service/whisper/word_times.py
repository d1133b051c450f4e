"""Word times and certainties where a server gives none. Pure."""

import math

from transcribe_service.whisper.client import WhisperWord


def interpolated(text: str, start_s: float, end_s: float, probability: float) -> tuple[WhisperWord, ...]:
    """Spread the words of `text` over a span, each in proportion to its letters and the space after it.

    Speech is roughly even in letters per second inside one span; the error stays below the span's longest pause.
    """
    words = text.split()
    letters = sum(len(word) + 1 for word in words)
    per_letter_s = max(0.0, end_s - start_s) / letters if letters else 0.0
    spread: list[WhisperWord] = []
    before = 0
    for word in words:
        after = before + len(word) + 1
        spread.append(
            WhisperWord(word, start_s + before * per_letter_s, start_s + after * per_letter_s, probability),
        )
        before = after
    return tuple(spread)


def certainty(avg_logprob: float | None) -> float:
    """The geometric mean of a segment's token probabilities, as near as its average log probability comes to a word's; 0: not told."""
    return math.exp(min(0.0, avg_logprob)) if avg_logprob is not None else 0.0
