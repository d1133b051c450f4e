"""`POST /v1/audio/transcriptions` in OpenAI's dialect, and the counts of work done. Translates only."""

import msgspec
from flask import Blueprint, Response, request

from common.problems import Problem
from whisper_service.admission import Admission
from whisper_service.audio import read_audio
from whisper_service.formats import FORMATS
from whisper_service.transcription import SAMPLE_RATE_HZ, Engine, Request

GRANULARITIES = frozenset({"word", "segment"})


def transcription_routes(engine: Engine, admission: Admission, *, max_audio_s: float) -> Blueprint:
    """The routes below /v1."""
    routes = Blueprint("transcriptions", __name__, url_prefix="/v1")

    @routes.post("/audio/transcriptions")
    def transcribe() -> Response:
        wanted = _format()
        asked = _request(wanted)
        audio = _audio()
        engine.check()
        with admission.admitted() as ticket:
            samples = read_audio(audio, max_duration_s=max_audio_s)
            ticket.audio_seconds = len(samples) / SAMPLE_RATE_HZ
            transcription = engine.transcribe(samples, asked)
        response_format = FORMATS[wanted]
        return Response(
            response_format.write(transcription, asked),
            content_type=response_format.media_type,
            headers={"X-Processing-Ms": f"{ticket.busy_seconds * 1000:.0f}"},
        )

    @routes.get("/stats")
    def stats() -> Response:
        return Response(msgspec.json.encode(admission.work_done()), content_type="application/json")

    return routes


def _audio() -> bytes:
    file = request.files.get("file")
    if file is None:
        raise Problem(400, "missing-file", "The form field `file` with the audio is missing.", field="file")
    return file.stream.read()


def _format() -> str:
    wanted = request.form.get("response_format", "json")
    if wanted not in FORMATS:
        known = ", ".join(FORMATS)
        raise Problem(
            400, "unknown-response-format", f"response_format must be one of {known}.", field="response_format"
        )
    return wanted


def _request(response_format: str) -> Request:
    granularities = set(request.form.getlist("timestamp_granularities[]") or ["segment"])
    if not granularities <= GRANULARITIES:
        raise Problem(
            400,
            "unknown-timestamp-granularity",
            "timestamp_granularities[] must be word, segment or both.",
            field="timestamp_granularities[]",
        )
    if request.form.get("stream", "false").lower() == "true":
        raise Problem(400, "no-streaming", "This server answers when it is done; leave `stream` out.", field="stream")
    _only_zero_temperature(request.form.get("temperature", "0"))
    words = response_format == "verbose_json" and "word" in granularities
    return Request(
        language=request.form.get("language", "").lower().partition("-")[0],
        prompt=request.form.get("prompt", ""),
        word_times=words,
        segment_times=not words,
    )


def _only_zero_temperature(temperature: str) -> None:
    try:
        zero = float(temperature) == 0
    except ValueError:
        zero = False
    if not zero:
        raise Problem(
            400, "no-sampling", "temperature must be 0: the same audio gives the same words here.", field="temperature"
        )
