"""The HTTP routes of ingest: requests to structs, outcomes to answers. Nothing is decided here.

A connection id is taken with its slashes, so that an id such as `../x` is refused by name instead of matching no route.
"""

from typing import Final, Literal

import msgspec
from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, principal
from common.clock import Clock
from common.current_request import current_request
from common.ids import checked_id
from common.openapi.described import Body, Content, described, json_answer, json_body, named
from common.ports.token_store import Scope
from ingest_service.http.body import read_body
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.intake.end_stream import end_stream
from ingest_service.intake.intake import Intake
from ingest_service.intake.observations import MAX_BODY_BYTES, Intervals, Masks, observation
from ingest_service.intake.observe_speakers import observe_speakers
from ingest_service.intake.parameters import (
    CHUNK_PARAMETERS,
    CONNECTION_IN_PATH,
    EVENT_PARAMETERS,
    SEQ,
    STATUS_PARAMETERS,
)
from ingest_service.intake.requests import EndOfStream, chunk_upload, end_of_stream, parameters, stream
from ingest_service.intake.store_chunk import store_chunk
from ingest_service.intake.stream_status import StreamStatus, stream_status
from ingest_service.settings import IngestSettings

AUDIO: Final = Body(
    (Content("application/octet-stream"), Content("audio/webm")),
    "The bytes as the recorder gave them out. The Content-Type matters only for samples without a header.",
)


class StoredChunk(msgspec.Struct, frozen=True):
    """A chunk is durable."""

    connection_id: str
    seq: int
    size_bytes: int
    status: Literal["stored", "already_stored"]


class StoredObservation(msgspec.Struct, frozen=True):
    """An observation of speaker activity is durable."""

    observation_id: str
    """The same for the same content."""


class EndedStream(msgspec.Struct, frozen=True):
    """The end of a stream is durable."""

    connection_id: str
    last_seq: int
    """-1: it has no chunks."""
    observations: int | None
    """How many were sent in all, where the uploader counted."""


def stream_routes(
    intake: Intake, settings: IngestSettings, tokens: TokenVerifier, limits: TenantLimits, clock: Clock
) -> Blueprint:
    """Everything below `/v1/streams`, for bearers of a token."""
    routes = Blueprint("streams", __name__, url_prefix="/v1/streams")
    guard(routes, tokens, limits, Scope.INGEST)
    recommended_chunk_ms = round(settings.audio_chunk_duration_sec * 1000)

    @routes.put("/<path:connection_id>/chunks/<seq>")
    @described(
        "Store one chunk of a stream",
        description="The same bytes again are answered 200. Chunks may come in any order; the first one carries the header.",
        parameters=named(CONNECTION_IN_PATH, SEQ) | CHUNK_PARAMETERS,
        body=AUDIO,
        answers={
            201: json_answer(StoredChunk, "It is durable."),
            200: json_answer(StoredChunk, "It was there already."),
        },
        problems=(409, 411, 413, 415),
        scopes=(Scope.INGEST,),
    )
    def put_chunk(connection_id: str, seq: str) -> Response:
        req, owner = current_request(), principal()
        query = parameters(req.args, CHUNK_PARAMETERS)
        of = stream(owner.tenant, connection_id, query)
        upload = chunk_upload(
            of, seq, query, req.headers.get("Content-Type", ""), now_ms=clock.now_ms(), user_id=owner.user_id
        )
        bind_contextvars(connection_id=connection_id, seq=upload.seq)
        data = read_body(req, settings.max_chunk_bytes)
        is_new = store_chunk(intake, upload, data)
        answer = StoredChunk(connection_id, upload.seq, len(data), "stored" if is_new else "already_stored")
        return _json(answer, 201 if is_new else 200)

    @routes.post("/<path:connection_id>/speakers")
    @described(
        "Say who spoke in one window",
        parameters=named(CONNECTION_IN_PATH) | EVENT_PARAMETERS,
        body=json_body((Masks, Intervals), "Masks as meeting platforms show them, or intervals."),
        answers={
            201: json_answer(StoredObservation, "It is durable."),
            200: json_answer(StoredObservation, "It was there already."),
        },
        problems=(409, 411, 413),
        scopes=(Scope.INGEST,),
    )
    def post_speakers(connection_id: str) -> Response:
        of = stream(principal().tenant, connection_id, parameters(request.args, EVENT_PARAMETERS))
        bind_contextvars(connection_id=connection_id)
        observed = observation(read_body(request, MAX_BODY_BYTES))
        is_new = observe_speakers(intake, of, observed)
        return _json(StoredObservation(observed.observation_id), 201 if is_new else 200)

    @routes.post("/<path:connection_id>/end")
    @described(
        "Say that a stream is complete",
        parameters=named(CONNECTION_IN_PATH) | EVENT_PARAMETERS,
        body=json_body(EndOfStream),
        answers={200: json_answer(EndedStream, "It is durable.")},
        problems=(409, 411, 413),
        scopes=(Scope.INGEST,),
    )
    def post_end(connection_id: str) -> Response:
        of = stream(principal().tenant, connection_id, parameters(request.args, EVENT_PARAMETERS))
        bind_contextvars(connection_id=connection_id)
        ended = end_stream(intake, of, end_of_stream(read_body(request, MAX_BODY_BYTES)))
        return _json(EndedStream(connection_id, ended.last_seq, ended.observations))

    @routes.get("/<connection_id>")
    @described(
        "What of a stream is durable, and what is missing",
        parameters=named(CONNECTION_IN_PATH) | STATUS_PARAMETERS,
        answers={200: json_answer(StreamStatus, "What is needed to go on after a break.")},
        scopes=(Scope.INGEST,),
    )
    def get_stream(connection_id: str) -> Response:
        parameters(request.args, STATUS_PARAMETERS)
        checked_id(connection_id, "connection_id")
        return _json(stream_status(intake, principal().tenant, connection_id, recommended_chunk_ms))

    return routes


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status=status, content_type="application/json")
