"""Utterances cut into cues of readable length, the common ground of SRT and WebVTT."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from common.ports.transcript_store import Word
from transcribe_service.reading.utterances import Utterance, word_joint

LINE_CHARS: Final = 42
MAX_LINES: Final = 2
MAX_CUE_MS: Final = 7000
MIN_CUE_MS: Final = 500
"""A shorter cue can't be read; it stays until then, or until the next one of its utterance."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One or two lines that are shown from `start_ms` to `end_ms` (later than `start_ms`) on the meeting's clock."""

    start_ms: int
    end_ms: int
    speaker: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word, or part of one that is longer than a line. `joint` stands between it and the piece before it."""

    text: str
    start_ms: int
    end_ms: int
    joint: str


def cues(utterances: Iterable[Utterance]) -> list[Cue]:
    """Cues in order of their beginning. Those of one utterance do not overlap; people who speak together do."""
    cut = [cue for utterance in utterances for cue in _of_utterance(utterance)]
    return sorted(cut, key=lambda cue: cue.start_ms)


def clean(text: str) -> str:
    """`text` on one line and without control characters, which would end a cue or a file early."""
    return "".join(character for character in " ".join(text.split()) if unicodedata.category(character) != "Cc")


def _of_utterance(utterance: Utterance) -> Iterator[Cue]:
    groups = list(_groups(list(_pieces(utterance.words, word_joint(utterance.language)))))
    starts_ms = [max(0, group[0].start_ms) for group in groups]
    for index, group in enumerate(groups):
        start_ms = starts_ms[index]
        end_ms = max(start_ms + MIN_CUE_MS, *(piece.end_ms for piece in group))
        if index + 1 < len(groups):
            end_ms = min(end_ms, starts_ms[index + 1])
        end_ms = min(max(end_ms, start_ms + 1), start_ms + MAX_CUE_MS)
        yield Cue(start_ms, end_ms, utterance.speaker, _lines(group))


def _pieces(words: Iterable[Word], joint: str) -> Iterator[_Piece]:
    for word in words:
        text = clean(word.text)
        duration_ms = word.end_ms - word.start_ms
        for at in range(0, len(text), LINE_CHARS):
            part = text[at : at + LINE_CHARS]
            yield _Piece(
                part,
                word.start_ms + duration_ms * at // len(text),
                word.start_ms + duration_ms * (at + len(part)) // len(text),
                joint if at == 0 else "",
            )


def _groups(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """As many pieces in each as fit into the lines and the time of one cue."""
    group: list[_Piece] = []
    for piece in pieces:
        fits = len(_lines([*group, piece])) <= MAX_LINES
        if group and not (fits and piece.end_ms - group[0].start_ms <= MAX_CUE_MS):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _lines(pieces: Iterable[_Piece]) -> tuple[str, ...]:
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + len(piece.joint) + len(piece.text) <= LINE_CHARS:
            lines[-1] += piece.joint + piece.text
        else:
            lines.append(piece.text)
    return tuple(lines)
