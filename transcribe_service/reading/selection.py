"""Which part of a transcript a reader asks for. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from common.ports.transcript_store import Word


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of all that is read. None: anything does."""

    since_ms: int | None = None
    """Epoch milliseconds: utterances that begin then or later, whole."""
    from_ms: int | None = None
    to_ms: int | None = None
    """Milliseconds on the meeting's clock: words of which a part lies in between. No word is cut."""
    speaker: str | None = None
    """A speaker's shown name, or the one that the uploader gave; empty: what nobody is known to have said."""

    def has_speaker(self, shown: str | None, keys: Iterable[str | None]) -> bool:
        """Whether an utterance is in it whose speaker is `shown`, and whose words the uploader gave to `keys`."""
        if self.speaker is None:
            return True
        return self.speaker == (shown or "") or (bool(self.speaker) and self.speaker in keys)

    def has_beginning(self, epoch_ms: int) -> bool:
        """Whether an utterance is in it that begins then."""
        return self.since_ms is None or epoch_ms >= self.since_ms

    def has_word(self, word: Word) -> bool:
        """Whether `word`, on the meeting's clock, is in it."""
        from_ms = self.from_ms
        if self.to_ms is not None and word.start_ms >= self.to_ms:
            return False
        return from_ms is None or word.end_ms > from_ms or word.start_ms >= from_ms


EVERYTHING: Final = Selection()
