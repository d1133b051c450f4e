"""The HTTP routes of ingest: requests to structs, outcomes to answers. Nothing is decided here.

A connection id is taken with its slashes, so that an id such as `../x` is refused by name instead of matching no route.
"""

import msgspec
from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, principal, require_bearer
from common.clock import Clock
from common.ids import checked_id
from common.ports.token_store import Scope
from ingest_service.http.body import read_body
from ingest_service.intake.end_stream import end_stream
from ingest_service.intake.intake import Intake
from ingest_service.intake.observations import MAX_BODY_BYTES, observation
from ingest_service.intake.observe_speakers import observe_speakers
from ingest_service.intake.requests import (
    CHUNK_PARAMETERS,
    EVENT_PARAMETERS,
    STATUS_PARAMETERS,
    chunk_upload,
    end_of_stream,
    parameters,
    stream,
)
from ingest_service.intake.store_chunk import store_chunk
from ingest_service.intake.stream_status import stream_status
from ingest_service.settings import IngestSettings


def stream_routes(intake: Intake, settings: IngestSettings, tokens: TokenVerifier, clock: Clock) -> Blueprint:
    """Everything below `/v1/streams`, for bearers of a token."""
    routes = Blueprint("streams", __name__, url_prefix="/v1/streams")
    routes.before_request(require_bearer(tokens, Scope.INGEST))
    recommended_chunk_ms = round(settings.audio_chunk_duration_sec * 1000)

    @routes.put("/<path:connection_id>/chunks/<seq>")
    def put_chunk(connection_id: str, seq: str) -> Response:
        query = parameters(request.args, CHUNK_PARAMETERS)
        of = stream(principal().tenant, connection_id, query)
        upload = chunk_upload(of, seq, query, request.headers.get("Content-Type", ""), clock.now_ms())
        bind_contextvars(connection_id=connection_id, seq=upload.seq)
        data = read_body(request, settings.max_chunk_bytes)
        is_new = store_chunk(intake, upload, data)
        answer = {
            "connection_id": connection_id,
            "seq": upload.seq,
            "size_bytes": len(data),
            "status": "stored" if is_new else "already_stored",
        }
        return _json(answer, 201 if is_new else 200)

    @routes.post("/<path:connection_id>/speakers")
    def post_speakers(connection_id: str) -> Response:
        of = stream(principal().tenant, connection_id, parameters(request.args, EVENT_PARAMETERS))
        bind_contextvars(connection_id=connection_id)
        observed = observation(read_body(request, MAX_BODY_BYTES))
        is_new = observe_speakers(intake, of, observed)
        return _json({"observation_id": observed.observation_id}, 201 if is_new else 200)

    @routes.post("/<path:connection_id>/end")
    def post_end(connection_id: str) -> Response:
        of = stream(principal().tenant, connection_id, parameters(request.args, EVENT_PARAMETERS))
        bind_contextvars(connection_id=connection_id)
        ended = end_stream(intake, of, end_of_stream(read_body(request, MAX_BODY_BYTES)))
        return _json({"connection_id": connection_id, "last_seq": ended.last_seq, "observations": ended.observations})

    @routes.get("/<connection_id>")
    def get_stream(connection_id: str) -> Response:
        parameters(request.args, STATUS_PARAMETERS)
        checked_id(connection_id, "connection_id")
        return _json(stream_status(intake, principal().tenant, connection_id, recommended_chunk_ms))

    return routes


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status=status, content_type="application/json")
