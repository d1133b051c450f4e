"""WebVTT (https://www.w3.org/TR/webvtt1/): cues with the speaker as a voice span."""

from transcribe_service.reading.captions.clock_time import clock_time
from transcribe_service.reading.captions.cues import Cue, clean, cues
from transcribe_service.reading.transcript import Transcript

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Escaping `>` everywhere also takes care of `-->`, which must not occur in cue text."""


def vtt(transcript: Transcript) -> str:
    """The transcript as WebVTT."""
    return "WEBVTT\n\n" + "".join(_block(cue) for cue in cues(transcript.utterances))


def _block(cue: Cue) -> str:
    text = "\n".join(line.translate(_ESCAPES) for line in cue.lines)
    speaker = clean(cue.speaker or "").translate(_ESCAPES)
    if speaker:
        text = f"<v {speaker}>{text}</v>"
    return f"{clock_time(cue.start_ms, '.')} --> {clock_time(cue.end_ms, '.')}\n{text}\n\n"
