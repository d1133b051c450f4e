"""What the rules look at: the words of one answer and the spans that Whisper decoded them in. Pure."""

from collections.abc import Callable, Iterable

import msgspec

from common.events import SegmentReady
from transcribe_service.whisper.client import WhisperResult, WhisperSegment, WhisperWord
from transcribe_service.whisper.word_times import interpolated


class Heard(msgspec.Struct, frozen=True):
    """Words in the order of the text, and spans; times in seconds since the first sample that was sent."""

    words: tuple[WhisperWord, ...]
    spans: tuple[WhisperSegment, ...]
    """Never empty: an answer that names none is one span, of which nothing is known but its text."""
    audio_s: float
    """Length of the audio that was sent, its padding included."""

    def only_in(self, is_meant: Callable[[WhisperSegment], bool]) -> frozenset[int]:
        """Positions of the words that lie in spans that are meant and in no other. On the edge of two, the better one counts."""
        meant = [is_meant(span) for span in self.spans]
        if not any(meant):
            return frozenset()
        found = set()
        for position, word in enumerate(self.words):
            middle_s = (word.start_s + word.end_s) / 2
            around = [
                each for span, each in zip(self.spans, meant, strict=True) if span.start_s <= middle_s <= span.end_s
            ]
            if around and all(around):
                found.add(position)
        return frozenset(found)

    def without(self, positions: Iterable[int]) -> "Heard":
        """The same without the words at `positions`."""
        gone = set(positions)
        kept = tuple(word for position, word in enumerate(self.words) if position not in gone)
        return msgspec.structs.replace(self, words=kept)


def heard_in(result: WhisperResult, event: SegmentReady) -> Heard:
    """`result`, which is Whisper's answer for the audio of `event`. Words without text are left out.

    Where the answer has no times at all, its words are spread over the audio between the paddings.
    """
    padding_s, length_s = event.padding_ms / 1000, (event.end_ms - event.start_ms) / 1000
    words = result.words
    if not words and not result.segments:
        words = interpolated(result.text, padding_s, padding_s + length_s, probability=0.0)
    audio_s = length_s + 2 * padding_s
    whole = WhisperSegment(0.0, audio_s, result.text or " ".join(word.text for word in words))
    return Heard(tuple(word for word in words if word.text.strip()), result.segments or (whole,), audio_s)
