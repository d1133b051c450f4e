"""`POST /v1/audio/transcriptions`, as OpenAI's clients call it: a file in, its transcript out in the same request.

The file becomes a recording and a meeting of its own, like any other, so that nothing is lost when the caller does not wait.
"""

import hashlib
from collections.abc import Iterator
from typing import IO, Final

import msgspec
from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars
from werkzeug.datastructures import FileStorage

from common.auth import TokenVerifier, presented_token, principal
from common.events import StreamOptions
from common.health import Drain
from common.openai_transcripts import DiarizedTranscription, TextTranscription, VerboseTranscription
from common.openapi.described import Answer, Body, Content, Header, IdText, described, named
from common.ports.token_store import Scope
from common.problems import Problem
from ingest_service.http.caller import is_gone
from ingest_service.http.idempotency import IDEMPOTENCY_KEY, RecordingName, idempotency_key, recording_name
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.http.multipart import form_data
from ingest_service.http.openai_errors import OpenAiProblem, with_openai_error
from ingest_service.http.places import Places
from ingest_service.http.transcript_wait import completed
from ingest_service.http.transcription_answer import answer, format_to_read
from ingest_service.http.transcription_form import TranscriptionForm, the_file, transcription_fields
from ingest_service.intake.intake import Intake
from ingest_service.intake.parameters import TOKEN
from ingest_service.intake.recordings import PIECE_BYTES, store_recording
from ingest_service.intake.requests import Stream
from ingest_service.settings import IngestSettings
from ingest_service.transcript_reader import MeetingStatus, Transcripts

MEETING_HEADER: Final = "Turnscribe-Meeting-Id"
"""In every answer to a recording that is stored: the meeting that has it, with speakers, gaps and all."""
KIND: Final = "transcription"


ABOUT: Final = (
    "OpenAI's clients work with their base URL changed. The file becomes a recording and a meeting of its own. The same file with the "
    "same options is the same recording: sending it again after a 503 or 504 goes on waiting, and costs no second transcription."
)
MEETING_HEADERS: Final = {MEETING_HEADER: Header(IdText, "The meeting that has the recording.", required=True)}
ANSWERS: Final = (
    Content("application/json", (TextTranscription, VerboseTranscription, DiarizedTranscription)),
    Content("text/plain", str),
    Content("application/x-subrip", str),
    Content("text/vtt", str),
)


def transcription_routes(
    intake: Intake,
    settings: IngestSettings,
    tokens: TokenVerifier,
    limits: TenantLimits,
    transcripts: Transcripts | None,
    places: Places,
    drain: Drain,
) -> Blueprint:
    """The route, for bearers of a token that may both send and read. `transcripts` is None where nobody says who keeps them."""
    routes = Blueprint("transcriptions", __name__, url_prefix="/v1/audio/transcriptions")
    guard(routes, tokens, limits, Scope.INGEST, Scope.READ)
    routes.after_request(with_openai_error)

    @routes.post("")
    @described(
        "Transcribe a file, and answer with the transcript",
        description=ABOUT,
        parameters=named(IDEMPOTENCY_KEY, TOKEN),
        body=Body((Content("multipart/form-data", TranscriptionForm),)),
        answers={200: Answer("The whole transcript.", ANSWERS, MEETING_HEADERS)},
        problems=(409, 411, 413, 415, 422, 501, 504),
        problem=OpenAiProblem,
        scopes=(Scope.INGEST, Scope.READ),
    )
    def transcribe() -> Response:
        if transcripts is None:
            detail = "TRANSCRIPT_API_URL is not set here: this service does not know where transcripts are."
            raise Problem(501, "no-transcripts", detail)
        key = idempotency_key(request)
        with places.taken():
            with form_data(request, settings.max_recording_bytes) as form:
                file, fields = the_file(form.files), transcription_fields(form.fields)
                options = msgspec.structs.replace(
                    fields.options(file.headers.get("Content-Type", "")), user_id=principal().user_id
                )
                name = _name(principal().tenant, key, file, options)
                recording = Stream(principal().tenant, name.connection_id, name.connection_id)
                bind_contextvars(connection_id=recording.connection_id, meeting_id=recording.meeting_id)
                with name.one_recording():
                    store_recording(
                        intake, recording, options, _pieces(file.stream), captured_at_ms=intake.clock.now_ms()
                    )
            token = presented_token(request)
            status = completed(
                transcripts,
                token,
                recording.meeting_id,
                within_s=settings.transcription_wait_sec,
                stop=drain.wait,
                is_gone=lambda: is_gone(request.environ),
                clock=intake.clock,
            )
            _refuse_what_has_no_audio(status, recording)
            written = transcripts.written(token, recording.meeting_id, format_to_read(fields.response_format))
        given = answer(fields, written)
        return Response(given.body, content_type=given.content_type, headers={MEETING_HEADER: recording.meeting_id})

    return routes


def _name(tenant: str, key: str | None, file: FileStorage, options: StreamOptions) -> RecordingName:
    """The connection of a request: by its Idempotency-Key, else by all that it says.

    OpenAI's clients send no key and yet try again by themselves. The same file with the same options is the same recording, so
    that an attempt that broke off costs no second transcription, and the next one goes on waiting.
    """
    if key is not None:
        return recording_name(KIND, tenant, key, None)
    digest = hashlib.sha256(msgspec.json.encode(options))
    for piece in _pieces(file.stream):
        digest.update(piece)
    return RecordingName(f"{KIND}-{digest.hexdigest()}", is_from_key=False)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        yield piece


def _refuse_what_has_no_audio(status: MeetingStatus, recording: Stream) -> None:
    """An empty transcript would say that nothing was said. Where nothing could be heard, that would be wrong."""
    if any(account.audio_ms for account in status.streams):
        return
    raise Problem(
        400,
        "no-audio",
        "No audio could be read from this file: it is damaged, empty, or in a format that is not known.",
        field="file",
        meeting_id=recording.meeting_id,
    )
