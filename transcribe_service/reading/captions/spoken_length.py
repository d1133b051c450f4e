"""How long a transcript's audio is, and what all of it says in one line: what OpenAI's formats have, and ours do not."""

from typing import Final

from transcribe_service.reading.transcript import Transcript
from transcribe_service.reading.utterances import word_joint

_DIGITS: Final = 3


def seconds(ms: int) -> float:
    """Milliseconds as OpenAI's formats count time."""
    return round(ms / 1000, _DIGITS)


def audio_s(transcript: Transcript) -> float:
    """Seconds from the meeting's beginning to the end of its longest stream, or to the last word where that is later.

    A stream whose channels are kept apart counts with its words alone, since its account sums up the channels.
    """
    lengths = (each.audio_ms or 0 for each in transcript.streams if each.channels == "mix")
    ends = (utterance.end_ms for utterance in transcript.utterances)
    return seconds(max((*lengths, *ends), default=0))


def whole_text(transcript: Transcript) -> str:
    """All utterances in order of time, without speakers."""
    said = ""
    for utterance in transcript.utterances:
        said += (word_joint(utterance.language) if said else "") + utterance.text
    return said
