"""`POST /v1/audio/transcriptions`, as OpenAI's clients call it: a file in, its transcript out in the same request.

The file becomes a recording and a meeting of its own, like any other, so that nothing is lost when the caller does not wait.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

import msgspec
from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars
from werkzeug.datastructures import FileStorage

from common.auth import TokenVerifier, presented_token, principal, require_bearer
from common.events import StreamOptions
from common.health import Drain
from common.ports.token_store import Scope
from common.problems import Problem
from ingest_service.http.multipart import form_data
from ingest_service.http.openai_errors import with_openai_error
from ingest_service.http.places import Places
from ingest_service.http.transcript_wait import completed
from ingest_service.http.transcription_answer import answer, format_to_read
from ingest_service.http.transcription_form import the_file, transcription_fields
from ingest_service.intake.intake import Intake
from ingest_service.intake.recordings import PIECE_BYTES, RecordingDiffers, store_recording
from ingest_service.intake.requests import Stream, invalid
from ingest_service.settings import IngestSettings
from ingest_service.transcript_reader import MeetingStatus, Transcripts

MEETING_HEADER: Final = "Turnscribe-Meeting-Id"
"""In every answer to a recording that is stored: the meeting that has it, with speakers, gaps and all."""
MAX_KEY_LENGTH: Final = 255


def transcription_routes(
    intake: Intake,
    settings: IngestSettings,
    tokens: TokenVerifier,
    transcripts: Transcripts | None,
    places: Places,
    drain: Drain,
) -> Blueprint:
    """The route, for bearers of a token that may both send and read. `transcripts` is None where nobody says who keeps them."""
    routes = Blueprint("transcriptions", __name__, url_prefix="/v1/audio/transcriptions")
    routes.before_request(require_bearer(tokens, Scope.INGEST))
    routes.before_request(require_bearer(tokens, Scope.READ))
    routes.after_request(with_openai_error)

    @routes.post("")
    def transcribe() -> Response:
        if transcripts is None:
            detail = "TRANSCRIPT_API_URL is not set here: this service does not know where transcripts are."
            raise Problem(501, "no-transcripts", detail)
        key = _idempotency_key()
        with places.taken():
            with form_data(request, settings.max_recording_bytes) as form:
                file, fields = the_file(form.files), transcription_fields(form.fields)
                options = msgspec.structs.replace(
                    fields.options(file.headers.get("Content-Type", "")), user_id=principal().user_id
                )
                recording = _recording(principal().tenant, key, file, options)
                bind_contextvars(connection_id=recording.connection_id, meeting_id=recording.meeting_id)
                with _belongs_to(key):
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
                clock=intake.clock,
            )
            _refuse_what_has_no_audio(status, recording)
            written = transcripts.written(token, recording.meeting_id, format_to_read(fields.response_format))
        given = answer(fields, written)
        return Response(given.body, content_type=given.content_type, headers={MEETING_HEADER: recording.meeting_id})

    return routes


def _idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_KEY_LENGTH:
        raise invalid("Idempotency-Key", f"has more than {MAX_KEY_LENGTH} characters")
    return key


def _recording(tenant: str, key: str, file: FileStorage, options: StreamOptions) -> Stream:
    """The connection of a request: by its Idempotency-Key, else by all that it says.

    OpenAI's clients send no key and yet try again by themselves. The same file with the same options is the same recording, so
    that an attempt that broke off costs no second transcription, and the next one goes on waiting.
    """
    digest = hashlib.sha256()
    if key:
        digest.update(b"key " + key.encode())
    else:
        digest.update(b"file " + msgspec.json.encode(options))
        for piece in _pieces(file.stream):
            digest.update(piece)
    name = f"transcription-{digest.hexdigest()[:32]}"
    return Stream(tenant, name, name)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        yield piece


@contextmanager
def _belongs_to(key: str) -> Iterator[None]:
    try:
        yield
    except RecordingDiffers as error:
        what = (
            "This Idempotency-Key was sent with another file."
            if key
            else "Another file is stored under this one's hash."
        )
        raise Problem(422, "idempotency-key-reused", what) from error


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
