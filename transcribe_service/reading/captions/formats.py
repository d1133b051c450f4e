"""Which formats there are, by the names and media types under which readers ask for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from common.openai_transcripts import DiarizedTranscription, VerboseTranscription
from transcribe_service.reading.captions.diarized_json import diarized_json
from transcribe_service.reading.captions.json_document import json_document
from transcribe_service.reading.captions.plain_text import plain_text
from transcribe_service.reading.captions.srt import srt
from transcribe_service.reading.captions.verbose_json import verbose_json
from transcribe_service.reading.captions.vtt import vtt
from transcribe_service.reading.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `content_type` is the media type with its charset where it has one; the text is UTF-8 in all of them."""

    name: str
    media_type: str
    content_type: str
    kind: type
    """What the text is: str, or the type of the JSON document."""
    render: Callable[[Transcript], str]


FORMATS: Final = (
    Format("json", "application/json", "application/json", Transcript, json_document),
    Format("text", "text/plain", "text/plain; charset=utf-8", str, plain_text),
    Format("srt", "application/x-subrip", "application/x-subrip", str, srt),
    Format("vtt", "text/vtt", "text/vtt", str, vtt),
    Format("verbose_json", "application/json", "application/json", VerboseTranscription, verbose_json),
    Format("diarized_json", "application/json", "application/json", DiarizedTranscription, diarized_json),
)
"""The first one is what a reader gets who has no wish, and the first of its media type what one gets who asks by that."""
