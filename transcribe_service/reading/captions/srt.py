"""SubRip: numbered cues; the speaker stands before the text, since the format has no place for it."""

from transcribe_service.reading.captions.clock_time import clock_time
from transcribe_service.reading.captions.cues import Cue, clean, cues
from transcribe_service.reading.transcript import Transcript


def srt(transcript: Transcript) -> str:
    """The transcript as SubRip."""
    return "".join(_block(number, cue) for number, cue in enumerate(cues(transcript.utterances), start=1))


def _block(number: int, cue: Cue) -> str:
    speaker = clean(cue.speaker or "")
    text = (f"{speaker}: " if speaker else "") + "\n".join(cue.lines)
    # The format has no escapes, and readers take a line with an arrow for the times of the next cue.
    text = text.replace("-->", "→")
    return f"{number}\n{clock_time(cue.start_ms, ',')} --> {clock_time(cue.end_ms, ',')}\n{text}\n\n"
