"""What Whisper is told before the audio. Pure."""

from collections.abc import Sequence
from typing import Final

MAX_CHARACTERS: Final = 800
"""Whisper looks at the last 224 tokens, which are some 900 characters of English; of others fewer, and then it drops the front itself."""


def prompt_of(*, carried: str, of_connection: str, vocabulary: Sequence[str]) -> str:
    """What was said before, then the uploader's own prompt, then the meeting's vocabulary: the last counts most, so the front is cut."""
    terms = ", ".join(term.strip() for term in vocabulary if term.strip())
    parts = (carried, of_connection, f"Glossary: {terms}." if terms else "")
    prompt = " ".join(part.strip() for part in parts if part.strip())
    if len(prompt) <= MAX_CHARACTERS:
        return prompt
    kept = prompt[-MAX_CHARACTERS:]
    return kept.partition(" ")[2] or kept
