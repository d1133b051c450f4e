"""A transcript as the caller of `POST /v1/audio/transcriptions` asked for it, from what the transcribe service writes. Pure."""

from typing import Final

import msgspec
from msgspec import UNSET

from common.errors import Retryable
from common.json_input import UNREADABLE_JSON
from common.openai_transcripts import TextTranscription, VerboseTranscription
from ingest_service.http.transcription_form import ResponseFormat, TranscriptionFields
from ingest_service.transcript_reader import Written

JSON: Final = "application/json"
PLAIN_TEXT: Final = "text/plain; charset=utf-8"


def format_to_read(wanted: ResponseFormat) -> str:
    """The transcribe service's format that `wanted` is made of."""
    return "verbose_json" if wanted in {"json", "text"} else wanted


def answer(fields: TranscriptionFields, written: Written) -> Written:
    """The answer. Raises `Retryable` where the transcript is not what it should be."""
    match fields.response_format:
        case "srt" | "vtt" | "diarized_json":
            return written
        case "text":
            return Written(f"{_verbose(written).text}\n".encode(), PLAIN_TEXT)
        case "json":
            verbose = _verbose(written)
            return Written(msgspec.json.encode(TextTranscription(text=verbose.text, usage=verbose.usage)), JSON)
        case "verbose_json":
            verbose = _verbose(written)
            asked = msgspec.structs.replace(
                verbose,
                segments=verbose.segments if fields.with_segments else UNSET,
                words=verbose.words if fields.with_words else UNSET,
            )
            return Written(msgspec.json.encode(asked), JSON)


def _verbose(written: Written) -> VerboseTranscription:
    try:
        return msgspec.json.decode(written.body, type=VerboseTranscription)
    except UNREADABLE_JSON as error:
        raise Retryable("the transcript can't be read", reason="transcripts_unreadable") from error
