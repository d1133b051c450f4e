"""Text to read: one line for each utterance, with its time and speaker."""

from transcribe_service.reading.captions.clock_time import whole_seconds
from transcribe_service.reading.captions.cues import clean
from transcribe_service.reading.transcript import Transcript


def plain_text(transcript: Transcript) -> str:
    """`[HH:MM:SS] Speaker: text`, without the speaker where nobody is known to have spoken."""
    lines = []
    for utterance in transcript.utterances:
        speaker = clean(utterance.speaker or "")
        said = f"{speaker}: " if speaker else ""
        lines.append(f"[{whole_seconds(utterance.start_ms // 1000)}] {said}{clean(utterance.text)}\n")
    return "".join(lines)
