"""Which words of a live revision readers may take for firm: those on which two revisions in a row agree (LocalAgreement). Pure.

The revisions of an open segment begin at the same moment and grow. Whisper changes its mind about the newest words as it hears
what follows them; from where two revisions say the same, it has settled. A final revision is firm as a whole.
"""

from collections.abc import Sequence

import msgspec

from common.ports.transcript_store import SegmentTranscript, Word
from transcribe_service.comparable import comparable


def with_confirmed(segment: SegmentTranscript, before: SegmentTranscript | None) -> SegmentTranscript:
    """`segment` with its firm words marked. `before` is the revision that is stored of it, if any.

    The firm words are always a prefix. What was firm in `before` is firm again if it still begins the text.
    """
    count = len(segment.words) if segment.final else _agreed(segment, before)
    words = tuple(
        msgspec.structs.replace(word, confirmed=position < count) for position, word in enumerate(segment.words)
    )
    return msgspec.structs.replace(segment, words=words)


def _agreed(segment: SegmentTranscript, before: SegmentTranscript | None) -> int:
    """How many words both begin with. None where they are not revisions of the same audio, or `before` is not the earlier one."""
    if before is None or before.final or before.revision >= segment.revision:
        return 0
    if _audio(before) != _audio(segment):
        return 0
    return common_prefix(before.words, segment.words)


def _audio(segment: SegmentTranscript) -> tuple[int, str, int, int]:
    """What two revisions must have in common to say anything about one another."""
    return segment.generation, segment.segment_id, segment.channel, segment.start_ms


def common_prefix(before: Sequence[Word], after: Sequence[Word]) -> int:
    """How many words both begin with, but for case and punctuation."""
    count = 0
    for one, other in zip(before, after, strict=False):
        if comparable(one.text) != comparable(other.text):
            break
        count += 1
    return count
