"""Who spoke in a recording that is uploaded: beside tus, which knows bytes alone."""

import msgspec
from flask import Blueprint, Response, request
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, principal
from common.ids import checked_id
from common.openapi.described import described, json_answer, json_body, named
from common.ports.token_store import Scope
from common.problems import Problem
from ingest_service.http.body import read_body
from ingest_service.http.idempotency import RecordingName
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.http.stream_routes import StoredObservation
from ingest_service.http.tus_protocol import PREFIX
from ingest_service.http.upload_routes import UPLOAD
from ingest_service.intake.observations import MAX_BODY_BYTES, Intervals, Masks, observation
from ingest_service.intake.parameters import STATUS_PARAMETERS
from ingest_service.intake.requests import Stream, parameters
from ingest_service.intake.uploads import Uploads


def upload_speaker_routes(uploads: Uploads, tokens: TokenVerifier, limits: TenantLimits) -> Blueprint:
    """`POST /v1/uploads/{connection_id}/speakers`, for bearers of a token that may send."""
    routes = Blueprint("upload_speakers", __name__, url_prefix=PREFIX)
    guard(routes, tokens, limits, Scope.INGEST)

    @routes.post("/<connection_id>/speakers")
    @described(
        "Say who spoke in a recording that is being uploaded",
        description=(
            "Before its last byte, so that its segments end where speakers change. Clock `stream` counts from its first sample; "
            "`epoch` needs its started_at_ms. Nobody knows of the recording before it is complete."
        ),
        parameters=named(UPLOAD) | STATUS_PARAMETERS,
        body=json_body((Masks, Intervals), "Masks as meeting platforms show them, or intervals."),
        answers={
            201: json_answer(StoredObservation, "It is durable."),
            200: json_answer(StoredObservation, "It was there already."),
        },
        problems=(409, 411, 413),
        scopes=(Scope.INGEST,),
    )
    def post_upload_speakers(connection_id: str) -> Response:
        parameters(request.args, STATUS_PARAMETERS)
        tenant = principal().tenant
        upload = uploads.find(tenant, checked_id(connection_id, "connection_id"))
        if upload is None:
            raise Problem(404, "unknown-upload", "There is no such upload. Begin it with POST.")
        of = Stream(tenant, connection_id, upload.meeting_id)
        bind_contextvars(connection_id=of.connection_id, meeting_id=of.meeting_id)
        observed = observation(read_body(request, MAX_BODY_BYTES))
        with RecordingName(connection_id, is_from_key=False).one_recording():
            is_new = uploads.observe(of, upload, observed)
        answer = StoredObservation(observed.observation_id)
        return Response(msgspec.json.encode(answer), status=201 if is_new else 200, content_type="application/json")

    return routes
