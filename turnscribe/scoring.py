"""How well a transcript agrees with a ground truth: words, speakers, and what cutting the audio cost. Pure.

A ground truth is JSON: `{"turns": [{"speaker": str, "start": seconds, "end": seconds, "text": str}, …]}`; other members are
ignored. Its words are put in the order of the turns' starts, each turn as a whole: where turns overlap, words said at the
same time do not interleave, for neither does Whisper's text. Words are compared as `normalised` gives them.

Reference and transcript are aligned by edit distance (rapidfuzz), once, and every number is read off that alignment.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from rapidfuzz.distance import Levenshtein

from turnscribe.schema import Word

CUT_REACH_MS: Final = 1_000
"""A word this near to a cut counts as beside it."""
ECHO_REACH_MS: Final = 2_000
"""A word that is heard again within this is an echo of itself."""


class TrueTurn(msgspec.Struct, frozen=True):
    """What one speaker said from `start` to `end`, in seconds of the recording."""

    speaker: str
    start: float
    end: float
    text: str


class GroundTruth(msgspec.Struct, frozen=True):
    """Who said what, when. Turns may come in any order and may overlap."""

    turns: tuple[TrueTurn, ...]


@dataclass(frozen=True)
class Score:
    """Counts of words, and the two shares that people ask for."""

    reference_words: int
    transcript_words: int
    recognised: int
    """Reference words that the transcript has, too."""
    substituted: int
    lost: int
    invented: int
    right_speaker: int
    """Of the recognised ones."""
    no_speaker: int
    """Of the recognised ones: left blank."""

    @property
    def word_error_rate(self) -> float:
        """Substituted, lost and invented words per reference word; 0 is best, above 1 is possible."""
        return (self.substituted + self.lost + self.invented) / max(1, self.reference_words)

    @property
    def speaker_accuracy(self) -> float:
        """Of the recognised words, the share with the right speaker. A blank is not right."""
        return self.right_speaker / max(1, self.recognised)


@dataclass(frozen=True)
class CutDamage:
    """What cutting did, by position in the reference (lost) and in the transcript (doubled), with the words themselves."""

    lost: tuple[tuple[int, str], ...]
    """Reference words beside a cut that one pass over the whole audio recognised and of which the transcript has nothing.

    A word that is missing next to one that was heard as another (`hall in the lodge`, heard as `holland lodge`) is no loss: the
    audio was there, and was misheard. It counts in the word error rate.
    """
    lost_in_overlap: tuple[tuple[int, str], ...]
    """The same, where somebody else spoke at the same time: which of two Whisper writes down is chance, with and without cuts."""
    doubled: tuple[tuple[int, str], ...]
    """Words beside a cut that the transcript has once more than was said, the same word standing on the other side of the cut."""


def read_ground_truth(data: bytes) -> GroundTruth:
    """Decode a ground truth. Raises `ValueError` naming what is wrong with it."""
    return msgspec.json.decode(data, type=GroundTruth)


def normalised(text: str) -> list[str]:
    """The words of `text` as they are compared: lower case, without punctuation; apostrophes inside a word stay.

    Everything that is neither letter, mark, digit nor apostrophe parts words, so `box-car` is two.
    """
    folded = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    spaced = "".join(char if char == "'" or unicodedata.category(char)[0] in "LMN" else " " for char in folded)
    return [word for word in (part.strip("'") for part in spaced.split()) if word]


def score(truth: GroundTruth, transcript: Iterable[Word]) -> Score:
    """Compare the words of a transcript (in reading order) with the ground truth."""
    said, heard = _said(truth), _heard(transcript)
    alignment = _align(said, heard)
    pairs = [(said[reference].speaker, heard[found].speaker) for reference, found in alignment.equal.items()]
    return Score(
        reference_words=len(said),
        transcript_words=len(heard),
        recognised=len(pairs),
        substituted=alignment.substituted,
        lost=len(alignment.lost),
        invented=len(alignment.invented),
        right_speaker=sum(true == found for true, found in pairs),
        no_speaker=sum(found is None for _, found in pairs),
    )


def lost_or_doubled_at_cuts(
    truth: GroundTruth, transcript: Iterable[Word], one_pass: Iterable[Word], cuts_ms: Sequence[int]
) -> CutDamage:
    """What the transcript lost or doubled within a second of `cuts_ms`, against `one_pass` over the uncut audio.

    All times are milliseconds of the recording. When a lost word was said is taken from `one_pass`, which has heard it.
    """
    said, heard, uncut = _said(truth), _heard(transcript), _heard(one_pass)
    with_cuts, without = _align(said, heard), _align(said, uncut)
    lost: list[tuple[int, str]] = []
    lost_in_overlap: list[tuple[int, str]] = []
    for reference in with_cuts.gone:
        word = said[reference]
        found = uncut[without.equal[reference]] if reference in without.equal else None
        if found and _nearest(cuts_ms, found) is not None:
            alone = not _others_speak(truth, word.speaker, found)
            (lost if alone else lost_in_overlap).append((reference, word.text))
    doubled = [
        (found, heard[found].text)
        for found in with_cuts.invented
        if (cut_ms := _nearest(cuts_ms, heard[found])) is not None and _echoes(heard, found, cut_ms)
    ]
    return CutDamage(tuple(lost), tuple(lost_in_overlap), tuple(doubled))


@dataclass(frozen=True)
class _Token:
    text: str
    speaker: str | None
    start_ms: int = 0
    end_ms: int = 0

    @property
    def middle_ms(self) -> float:
        return (self.start_ms + self.end_ms) / 2


@dataclass(frozen=True)
class _Alignment:
    equal: dict[int, int]
    """Reference position → transcript position of the same word."""
    substituted: int
    lost: list[int]
    gone: list[int]
    """Those of the lost that stand next to nothing misheard."""
    invented: list[int]


def _said(truth: GroundTruth) -> list[_Token]:
    ordered = sorted(truth.turns, key=lambda turn: (turn.start, turn.end))
    return [_Token(text, turn.speaker) for turn in ordered for text in normalised(turn.text)]


def _heard(words: Iterable[Word]) -> list[_Token]:
    return [_Token(text, word.speaker, word.start_ms, word.end_ms) for word in words for text in normalised(word.text)]


def _align(said: Sequence[_Token], heard: Sequence[_Token]) -> _Alignment:
    operations = Levenshtein.opcodes([token.text for token in said], [token.text for token in heard])
    alignment = _Alignment({}, sum(op.src_end - op.src_start for op in operations if op.tag == "replace"), [], [], [])
    misheard_from = {op.src_start for op in operations if op.tag == "replace"}
    misheard_to = {op.src_end for op in operations if op.tag == "replace"}
    for op in operations:
        reference, found = range(op.src_start, op.src_end), range(op.dest_start, op.dest_end)
        match op.tag:
            case "equal":
                alignment.equal.update(zip(reference, found, strict=True))
            case "delete":
                alignment.lost.extend(reference)
                if op.src_start not in misheard_to and op.src_end not in misheard_from:
                    alignment.gone.extend(reference)
            case "insert":
                alignment.invented.extend(found)
    return alignment


def _nearest(cuts_ms: Sequence[int], token: _Token) -> int | None:
    """The cut nearest to a word, where one is beside it."""
    near = [cut for cut in cuts_ms if token.start_ms - CUT_REACH_MS <= cut <= token.end_ms + CUT_REACH_MS]
    return min(near, key=lambda cut: abs(cut - token.middle_ms), default=None)


def _others_speak(truth: GroundTruth, speaker: str | None, token: _Token) -> bool:
    """True when somebody other than `speaker` speaks during a word."""
    return any(
        turn.speaker != speaker and turn.start * 1000 < token.end_ms and turn.end * 1000 > token.start_ms
        for turn in truth.turns
    )


def _echoes(heard: Sequence[_Token], position: int, cut_ms: int) -> bool:
    """True when the same word stands close by on the other side of the cut."""
    token = heard[position]
    return any(
        other.text == token.text
        and abs(other.middle_ms - token.middle_ms) <= ECHO_REACH_MS
        and (other.middle_ms < cut_ms) != (token.middle_ms < cut_ms)
        for other in heard
    )
