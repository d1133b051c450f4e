"""`/v1/uploads`: recordings of any size that survive every break, by tus 1.0 with its extensions creation and creation-with-upload.

https://tus.io/protocols/resumable-upload. An upload's id is its connection's. Requests to structs, outcomes to answers; what is
decided is decided in `intake.uploads`.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import msgspec
from flask import Blueprint, Response, request, url_for
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, principal
from common.clock import Clock
from common.errors import Backpressure
from common.ids import checked_id
from common.limited_body import IncompleteBody
from common.openapi.described import Answer, Body, Content, Header, IdText, Parameter, described, named
from common.ports.token_store import Scope
from common.problems import Problem
from ingest_service.http.body import body_pieces
from ingest_service.http.idempotency import IDEMPOTENCY_KEY, RecordingName, idempotency_key, recording_name
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.http.tus_headers import (
    OFFSET,
    PART_TYPE,
    SAID,
    SPOKEN,
    TUS_RESUMABLE,
    UPLOAD_LENGTH,
    UPLOAD_METADATA,
    UPLOAD_OFFSET,
    refuse_other_types,
    upload_length,
    upload_metadata,
    upload_offset,
)
from ingest_service.http.tus_protocol import PREFIX, speak_tus
from ingest_service.intake.parameters import STATUS_PARAMETERS
from ingest_service.intake.recordings import empty_recording, fixed_pieces, refuse_what_is_no_audio
from ingest_service.intake.requests import Stream, parameters, stream_options
from ingest_service.intake.uploads import OffsetMoved, Upload, Uploads
from ingest_service.settings import IngestSettings

KIND: Final = "upload"
UPLOAD: Final = Parameter("connection_id", IdText, "The upload: the last part of its Location.", where="path")


def upload_routes(
    uploads: Uploads, settings: IngestSettings, tokens: TokenVerifier, limits: TenantLimits, clock: Clock
) -> Blueprint:
    """Everything below `/v1/uploads` but OPTIONS, for bearers of a token that may send."""
    routes = Blueprint("uploads", __name__, url_prefix=PREFIX)
    guard(routes, tokens, limits, Scope.INGEST)
    speak_tus(routes)

    @routes.post("", provide_automatic_options=False)
    @described(
        "Begin a resumable upload",
        description=(
            "tus 1.0 (https://tus.io/protocols/resumable-upload) with the extensions creation and creation-with-upload: any of its "
            "clients will do. X-HTTP-Method-Override is understood below /v1/uploads."
        ),
        parameters=named(TUS_RESUMABLE, UPLOAD_LENGTH, UPLOAD_METADATA, IDEMPOTENCY_KEY) | STATUS_PARAMETERS,
        body=Body((Content(PART_TYPE),), "The first bytes, or none.", required=False),
        answers={
            201: Answer(
                "It has begun.",
                headers={
                    "Location": Header(str, "The upload.", required=True),
                    "Upload-Offset": OFFSET,
                    "Tus-Resumable": SPOKEN,
                },
            )
        },
        problems=(409, 411, 412, 413, 415, 422),
        scopes=(Scope.INGEST,),
    )
    def create() -> Response:
        parameters(request.args, STATUS_PARAMETERS)
        length_bytes = upload_length(request.headers, settings.max_recording_bytes)
        if not length_bytes:
            raise empty_recording()
        name, of, wanted = _wish(length_bytes, clock.now_ms())
        bind_contextvars(connection_id=of.connection_id, meeting_id=of.meeting_id)
        body = _UntilBroken(_first_part(length_bytes))
        pieces = fixed_pieces(body)
        first = next(pieces, b"")
        with name.one_recording():
            if first:  # refused before there is anything
                refuse_what_is_no_audio(of, wanted.options, first)
            upload = uploads.begin(of, wanted)
            offset_bytes = uploads.offset(of, upload)
            if first and offset_bytes == 0:
                offset_bytes = _appended(uploads, of, upload, 0, chain([first], pieces))
        body.refuse_broken(offset_bytes)
        location = url_for("uploads.patch_upload", connection_id=of.connection_id)
        return Response(status=201, headers={"Location": location, "Upload-Offset": str(offset_bytes)})

    @routes.route("/<connection_id>", methods=["HEAD"], provide_automatic_options=False)
    @described(
        "How far an upload is",
        parameters=named(UPLOAD, TUS_RESUMABLE) | STATUS_PARAMETERS,
        answers={
            200: Answer(
                "So far.",
                headers={
                    "Upload-Offset": OFFSET,
                    "Upload-Length": Header(int, "Bytes of the whole recording.", required=True),
                    "Upload-Metadata": Header(str, "As it was sent."),
                    "Tus-Resumable": SPOKEN,
                },
            )
        },
        problems=(409, 412),
        scopes=(Scope.INGEST,),
    )
    def head_upload(connection_id: str) -> Response:
        of, upload = _found(uploads, connection_id)
        with _named(of).one_recording():
            offset_bytes = uploads.offset(of, upload)
        headers = {"Upload-Offset": str(offset_bytes), "Upload-Length": str(upload.length_bytes)}
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        return Response(status=200, headers=headers)

    @routes.patch("/<connection_id>", provide_automatic_options=False)
    @described(
        "Send more of an upload",
        description="With the last byte the recording is known, and will be transcribed. What came before a break is kept.",
        parameters=named(UPLOAD, TUS_RESUMABLE, UPLOAD_OFFSET) | STATUS_PARAMETERS,
        body=Body((Content(PART_TYPE),)),
        answers={204: Answer("The bytes are durable.", headers={"Upload-Offset": OFFSET, "Tus-Resumable": SPOKEN})},
        problems=(409, 411, 412, 413, 415),
        scopes=(Scope.INGEST,),
    )
    def patch_upload(connection_id: str) -> Response:
        refuse_other_types(request.headers.get("Content-Type", ""))
        from_bytes = upload_offset(request.headers)
        of, upload = _found(uploads, connection_id)
        body = _UntilBroken(body_pieces(request, max(0, upload.length_bytes - from_bytes)))
        with _named(of).one_recording():
            offset_bytes = _appended(uploads, of, upload, from_bytes, body)
        body.refuse_broken(offset_bytes)
        return Response(status=204, headers={"Upload-Offset": str(offset_bytes)})

    return routes


class _UntilBroken:
    """A body up to where it breaks off: what came of it is kept, and the client told only then."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._broken: IncompleteBody | Backpressure | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces
        except (IncompleteBody, Backpressure) as broken:  # the latter: it came too slowly
            self._broken = broken

    def refuse_broken(self, offset_bytes: int) -> None:
        """Raise a 400 `Problem` if it broke off, and the `Backpressure` if it came too slowly."""
        if isinstance(self._broken, Backpressure):
            raise self._broken
        if self._broken is not None:
            detail = f"The body broke off or is malformed. What came of it is kept; go on at byte {offset_bytes}."
            headers = {"Upload-Offset": str(offset_bytes)}
            raise Problem(400, self._broken.kind, detail, headers=headers) from self._broken


def _wish(length_bytes: int, now_ms: int) -> tuple[RecordingName, Stream, Upload]:
    """What the request wants to begin."""
    header = request.headers.get("Upload-Metadata", "")
    metadata = upload_metadata(header)
    tenant = principal().tenant
    name = recording_name(KIND, tenant, idempotency_key(request), metadata.get("connection_id"))
    meeting_id = checked_id(metadata.get("meeting_id", name.connection_id), "meeting_id")
    said = {key: value for key, value in metadata.items() if key in SAID}
    options = msgspec.structs.replace(stream_options(said, metadata.get("filetype", "")), user_id=principal().user_id)
    return (
        name,
        Stream(tenant, name.connection_id, meeting_id),
        Upload(meeting_id, length_bytes, options, now_ms, header),
    )


def _first_part(length_bytes: int) -> Iterator[bytes]:
    """The body of the request that begins an upload. Most have none."""
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return iter(())
    refuse_other_types(request.headers.get("Content-Type", ""))
    return body_pieces(request, length_bytes)


def _found(uploads: Uploads, connection_id: str) -> tuple[Stream, Upload]:
    parameters(request.args, STATUS_PARAMETERS)
    tenant = principal().tenant
    upload = uploads.find(tenant, checked_id(connection_id, "connection_id"))
    if upload is None:
        raise Problem(404, "unknown-upload", "There is no such upload. Begin it with POST.")
    of = Stream(tenant, connection_id, upload.meeting_id)
    bind_contextvars(connection_id=of.connection_id, meeting_id=of.meeting_id)
    return of, upload


def _named(of: Stream) -> RecordingName:
    return RecordingName(of.connection_id, is_from_key=False)


def _appended(uploads: Uploads, of: Stream, upload: Upload, offset_bytes: int, pieces: Iterable[bytes]) -> int:
    try:
        return uploads.append(of, upload, offset_bytes, pieces)
    except OffsetMoved as moved:
        raise Problem(
            409,
            "offset-differs",
            f"The upload goes on at byte {moved.offset_bytes}. Somebody else may be sending it at the same time.",
            headers={"Upload-Offset": str(moved.offset_bytes)},
            offset=moved.offset_bytes,
        ) from moved
