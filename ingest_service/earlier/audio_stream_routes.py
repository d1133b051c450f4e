"""`POST /api/audio/stream`: one whole recording in a request, or the next chunk of the session that X-Session-ID names."""

from typing import Annotated, Final

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, principal
from common.events import StreamOptions
from common.openapi.described import ANY_BYTES, Body, Content, Parameter, described, json_answer, named
from common.ports.token_store import Scope
from ingest_service.earlier.guard import patient_guard
from ingest_service.earlier.patience import Patience
from ingest_service.earlier.sessions import Sessions, session_name
from ingest_service.http.body import body_pieces, read_body
from ingest_service.http.idempotency import IDEMPOTENCY_KEY, idempotency_key, recording_name
from ingest_service.http.limits import TenantLimits
from ingest_service.intake.intake import Intake
from ingest_service.intake.parameters import TOKEN
from ingest_service.intake.recordings import store_recording
from ingest_service.intake.requests import Stream, invalid, stream_options
from ingest_service.settings import IngestSettings

SESSION: Final = "X-Session-ID"
MAX_SESSION_LENGTH: Final = 1_024
_AUDIO: Final = Body((Content(ANY_BYTES),), "The bytes. A session's last chunk may be empty.", required=False)
AUDIO_STREAM_PARAMETERS: Final = named(
    TOKEN,
    IDEMPOTENCY_KEY,
    Parameter(
        SESSION,
        Annotated[str, Meta(max_length=MAX_SESSION_LENGTH)],
        "The session that the chunk belongs to. Without it, the body is a whole recording.",
        where="header",
    ),
)


class AudioReceived(msgspec.Struct, frozen=True):
    """What was sent is durable."""

    message: str
    session_id: str
    """Of the session, or the id that the recording got."""
    connection_id: str
    meeting_id: str
    """Where its transcript appears: `GET /v1/meetings/{meeting_id}/transcript`."""


def audio_stream_routes(
    intake: Intake, settings: IngestSettings, tokens: TokenVerifier, limits: TenantLimits, patience: Patience
) -> Blueprint:
    """The route, for bearers of a token that may send."""
    routes = Blueprint("audio_stream", __name__, url_prefix="/api/audio/stream")
    patient_guard(routes, tokens, limits, patience, Scope.INGEST)
    sessions = Sessions(intake)

    @routes.post("")
    @described(
        "Store a whole recording, or a session's next chunk, as clients of the earlier system send them",
        description="Without X-Session-ID it is what POST /v1/recordings does.",
        parameters=AUDIO_STREAM_PARAMETERS,
        body=_AUDIO,
        answers={200: json_answer(AudioReceived, "It is durable.")},
        problems=(409, 411, 413, 415, 422),
        scopes=(Scope.INGEST,),
    )
    def post_audio() -> Response:
        options = stream_options({}, request.headers.get("Content-Type", ""), principal().user_id)
        session_id = request.headers.get(SESSION, "")
        if len(session_id) > MAX_SESSION_LENGTH:
            raise invalid(SESSION, f"has more than {MAX_SESSION_LENGTH} characters")
        key = idempotency_key(request)
        of = _chunk_of(session_id, options) if session_id else _recording(key, options)
        received = AudioReceived("Audio received", session_id or of.connection_id, of.connection_id, of.meeting_id)
        return Response(msgspec.json.encode(received), content_type="application/json")

    def _chunk_of(session_id: str, options: StreamOptions) -> Stream:
        name = session_name(session_id)
        of = Stream(principal().tenant, name, name)
        bind_contextvars(connection_id=of.connection_id)
        data = read_body(request, settings.max_chunk_bytes)
        now_ms = intake.clock.now_ms()
        seq = patience.until_done(lambda: sessions.append(of, options, data, now_ms))
        bind_contextvars(seq=seq)
        return of

    def _recording(key: str | None, options: StreamOptions) -> Stream:
        name = recording_name("recording", principal().tenant, key, None)
        of = Stream(principal().tenant, name.connection_id, name.connection_id)
        bind_contextvars(connection_id=of.connection_id)
        with name.one_recording():
            pieces = body_pieces(request, settings.max_recording_bytes)
            store_recording(intake, of, options, pieces, captured_at_ms=intake.clock.now_ms())
        return of

    return routes
