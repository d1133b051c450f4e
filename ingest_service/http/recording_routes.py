"""`POST /v1/recordings`: a whole recording in one request. For what is larger or may break off, there is `/v1/uploads`."""

from typing import Final

import msgspec
from flask import Blueprint, Response, request, url_for
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, principal
from common.ids import checked_id
from common.openapi.described import Header, described, json_answer, named
from common.ports.token_store import Scope
from ingest_service.http.body import body_pieces
from ingest_service.http.idempotency import IDEMPOTENCY_KEY, idempotency_key, recording_name
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.http.stream_routes import AUDIO
from ingest_service.intake.intake import Intake
from ingest_service.intake.parameters import RECORDING_PARAMETERS
from ingest_service.intake.recordings import RecordingDiffers, StoredRecording, store_recording
from ingest_service.intake.requests import Stream, parameters, stream_options
from ingest_service.intake.uploads import Uploads
from ingest_service.settings import IngestSettings

KIND: Final = "recording"
LOCATION: Final = {"Location": Header(str, "Where to ask what of it is durable.", required=True)}


def recording_routes(
    intake: Intake, uploads: Uploads, settings: IngestSettings, tokens: TokenVerifier, limits: TenantLimits
) -> Blueprint:
    """The route, for bearers of a token that may send."""
    routes = Blueprint("recordings", __name__, url_prefix="/v1/recordings")
    guard(routes, tokens, limits, Scope.INGEST)

    @routes.post("")
    @described(
        "Store a whole recording",
        description=(
            "In one request, of up to MAX_RECORDING_BYTES; over HTTP/1 Cloud Run takes no more than 32 MiB. With an Idempotency-Key or a "
            "connection_id, sending it again is the same recording. What is larger, or may break off, goes through /v1/uploads."
        ),
        parameters=RECORDING_PARAMETERS | named(IDEMPOTENCY_KEY),
        body=AUDIO,
        answers={
            201: json_answer(StoredRecording, "It is durable, and will be transcribed.", LOCATION),
            200: json_answer(StoredRecording, "It was there already.", LOCATION),
        },
        problems=(409, 411, 413, 415, 422),
        scopes=(Scope.INGEST,),
    )
    def post_recording() -> Response:
        query = parameters(request.args, RECORDING_PARAMETERS)
        tenant = principal().tenant
        name = recording_name(KIND, tenant, idempotency_key(request), query.get("connection_id"))
        of = Stream(tenant, name.connection_id, checked_id(query.get("meeting_id", name.connection_id), "meeting_id"))
        options = msgspec.structs.replace(
            stream_options(query, request.headers.get("Content-Type", "")), user_id=principal().user_id
        )
        bind_contextvars(connection_id=of.connection_id, meeting_id=of.meeting_id)
        with name.one_recording():
            if uploads.find(tenant, of.connection_id) is not None:
                raise RecordingDiffers("a resumable upload was begun under it")
            pieces = body_pieces(request, settings.max_recording_bytes)
            stored = store_recording(intake, of, options, pieces, captured_at_ms=intake.clock.now_ms())
        return _answer(stored)

    return routes


def _answer(stored: StoredRecording) -> Response:
    return Response(
        msgspec.json.encode(stored),
        status=201 if stored.status == "stored" else 200,
        headers={"Location": url_for("streams.get_stream", connection_id=stored.connection_id)},
        content_type="application/json",
    )
