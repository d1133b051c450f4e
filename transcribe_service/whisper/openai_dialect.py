"""Adapter: Whisper behind `POST …/v1/audio/transcriptions`, OpenAI's dialect. Reading the answer is `openai_answer`."""

from typing import Final

from urllib3.filepost import encode_multipart_formdata

from common.errors import Permanent
from common.logs import get_logger
from transcribe_service.whisper.calls import Call, WhisperCalls
from transcribe_service.whisper.client import WhisperResult
from transcribe_service.whisper.openai_answer import read_answer

log = get_logger(__name__)

_PATH: Final = "/audio/transcriptions"
_Fields = list[tuple[str, str | tuple[str, bytes, str]]]


class OpenAiDialect:
    """A `WhisperClient`. Thread-safe."""

    def __init__(self, service_url: str, *, model: str, calls: WhisperCalls) -> None:
        self._url = transcriptions_url(service_url)
        self._model = model
        self._calls = calls

    def transcribe(self, audio: bytes, *, language: str, prompt: str, model: str = "") -> WhisperResult:
        """See `WhisperClient`. Faults that may pass are retried within the budget.

        A server may refuse a language that its model does not know. Uploaders name languages, and a wrong name must not cost
        the words: the audio that is refused in a language is tried once more without one.
        """
        deadline_s = self._calls.deadline_s()
        try:
            return self._calls.within(deadline_s, self._call(audio, language, prompt, model))
        except Permanent as refused:
            if not language:
                raise
            log.warning("whisper_refused_with_language", language=language, reason=refused.reason)
            return self._calls.within(deadline_s, self._call(audio, "", prompt, model))

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._calls.close()

    def _call(self, audio: bytes, language: str, prompt: str, model: str) -> Call:
        fields: _Fields = [
            ("file", ("segment.flac", audio, "audio/flac")),
            ("model", model or self._model),
            ("response_format", "verbose_json"),
            ("timestamp_granularities[]", "word"),
            (
                "timestamp_granularities[]",
                "segment",
            ),  # OpenAI leaves them out, and with them its certainty, unless asked
            ("temperature", "0"),
        ]
        fields += [(name, value) for name, value in (("language", language), ("prompt", prompt)) if value]
        body, content_type = encode_multipart_formdata(fields)
        return Call(self._url, body, content_type, read_answer)


def transcriptions_url(service_url: str) -> str:
    """The full URL for a base URL, with or without `/v1`, or for itself."""
    base = service_url.rstrip("/")
    if base.endswith(_PATH):
        return base
    return f"{base}{_PATH}" if base.endswith("/v1") else f"{base}/v1{_PATH}"
