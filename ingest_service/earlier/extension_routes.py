"""`/api/v1/extension`: the browser extension's recorder, which stops for good at the first status from 400 on.

What is wrong with its requests and can be made up for is taken and noted (`ingest_service.intake.faults`); refused is only what cannot
be stored: without a valid token, connection, meeting or number.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta, structs
from structlog.contextvars import bind_contextvars

from common.auth import TokenVerifier, presented_token, principal
from common.events import StreamOptions
from common.openapi.described import ANY_BYTES, JSON, Body, Content, Parameter, described, json_answer, named
from common.ports.token_store import Scope
from common.problems import Problem
from ingest_service.earlier.guard import patient_guard
from ingest_service.earlier.patience import Patience
from ingest_service.earlier.readings import read_masks, read_source, read_time
from ingest_service.http.body import read_body
from ingest_service.http.limits import TenantLimits
from ingest_service.intake.end_stream import end_stream
from ingest_service.intake.faults import Fault, Faults
from ingest_service.intake.intake import Intake
from ingest_service.intake.observations import MAX_BODY_BYTES, Masks, observation_of_masks
from ingest_service.intake.observe_speakers import observe_speakers
from ingest_service.intake.parameters import CONNECTION_IN_QUERY, MEETING, TOKEN
from ingest_service.intake.requests import (
    MAX_CONTENT_TYPE_LENGTH,
    ChunkUpload,
    EndOfStream,
    Stream,
    checked_seq,
    invalid,
    stream,
)
from ingest_service.intake.store_chunk import store_chunk
from ingest_service.settings import IngestSettings

_TIME: Final = Parameter("ts", str, "When the chunk or the window ended, in seconds since the epoch.")
_SOURCE: Final = Parameter("source", str, "Where the meeting takes place: google_meet, youtube, zoom.")
AUDIO_PARAMETERS: Final = named(
    Parameter("i", Annotated[int, Meta(ge=0)], "The chunk's number, from 0 on.", required=True),
    CONNECTION_IN_QUERY,
    MEETING,
    _TIME,
    _SOURCE,
    Parameter("l", str, "1: this is the last chunk."),
    TOKEN,
)
SPEAKER_PARAMETERS: Final = named(CONNECTION_IN_QUERY, MEETING, _TIME, _SOURCE, TOKEN)
CHECK_PARAMETERS: Final = named(TOKEN)
_BLOB: Final = Body((Content(ANY_BYTES),), "What MediaRecorder gave out; its last blob may be empty.", required=False)
_MASKS: Final = Body(
    (Content(JSON),),
    'Names and masks, such as `[["Ada", "0110001111"]]`: tenths of a second. What can\'t be read is kept, and noted.',
    required=False,
)
_YES: Final = frozenset({"1", "true"})


class ChunkReceived(msgspec.Struct, frozen=True):
    """A chunk is durable."""

    message: str
    connection_id: str


class SpeakersCreated(msgspec.Struct, frozen=True):
    """Speaker activity is durable, as far as it could be used."""

    message: str


class TokenValidity(msgspec.Struct, frozen=True):
    """Whether a token would let its bearer send."""

    is_valid: bool


def extension_routes(
    intake: Intake, settings: IngestSettings, tokens: TokenVerifier, limits: TenantLimits, patience: Patience
) -> Blueprint:
    """The routes that send, for bearers of a token that may."""
    routes = Blueprint("extension", __name__, url_prefix="/api/v1/extension")
    patient_guard(routes, tokens, limits, patience, Scope.INGEST)
    faults = Faults(intake)

    @routes.put("/audio")
    @described(
        "Store a chunk, as the earlier system's extension sends it",
        parameters=AUDIO_PARAMETERS,
        body=_BLOB,
        answers={200: json_answer(ChunkReceived, "It is durable.")},
        problems=(409, 411, 413),
        scopes=(Scope.INGEST,),
    )
    def put_audio() -> Response:
        of = _stream()
        seq = checked_seq(request.args.get("i", ""))
        bind_contextvars(connection_id=of.connection_id, seq=seq)
        data = read_body(request, settings.max_chunk_bytes)
        captured_at_ms, time_fault = read_time(request.args.get("ts"), intake.clock.now_ms())
        source, source_fault = read_source(request.args.get("source", ""))
        options = StreamOptions(source=source, user_id=principal().user_id)
        content_type = request.headers.get("Content-Type", "")
        if content_type.startswith("audio/") and len(content_type) <= MAX_CONTENT_TYPE_LENGTH:
            options = structs.replace(options, content_type=content_type)
        upload = ChunkUpload(of, seq, captured_at_ms, options)
        patience.until_done(lambda: _take_chunk(upload, data))
        _note(of, (time_fault, source_fault))
        if request.args.get("l", "").lower() in _YES:
            patience.until_done(lambda: _take_end(of, seq))
        return _json(ChunkReceived("Chunk received", of.connection_id))

    @routes.put("/speakers")
    @described(
        "Say who spoke in one window, as the earlier system's extension does",
        parameters=SPEAKER_PARAMETERS,
        body=_MASKS,
        answers={201: json_answer(SpeakersCreated, "It is durable.")},
        problems=(409, 411, 413),
        scopes=(Scope.INGEST,),
    )
    def put_speakers() -> Response:
        of = _stream()
        bind_contextvars(connection_id=of.connection_id)
        body = read_body(request, MAX_BODY_BYTES)
        ts_ms, time_fault = read_time(request.args.get("ts"), intake.clock.now_ms())
        masks, masks_fault = read_masks(body)
        observed = observation_of_masks(Masks(ts_ms, masks))
        patience.until_done(lambda: observe_speakers(intake, of, observed))
        _note(of, (time_fault,))
        if masks_fault is not None:
            patience.until_done(lambda: faults.keep(of, masks_fault, body))
        return _json(SpeakersCreated("Speaker created"), 201)

    def _take_chunk(upload: ChunkUpload, data: bytes) -> None:
        """Store a chunk under its number; where that is taken, beside the stream."""
        try:
            store_chunk(intake, upload, data, check_container=False)
        except Problem as problem:
            if problem.kind != "chunk-differs":
                raise
            fault = Fault(
                "chunk_differs", "Other bytes had come as this chunk before. These are kept, and not transcribed."
            )
            faults.keep(upload.stream, fault, data, seq=upload.seq)

    def _take_end(of: Stream, last_seq: int) -> None:
        try:
            end_stream(intake, of, EndOfStream(last_seq))
        except Problem as problem:
            if problem.kind != "stream-ended-otherwise":
                raise
            faults.note(of, Fault("ended_twice", f"The last chunk was said to be {last_seq} too. {problem.detail}"))

    def _note(of: Stream, found: Iterable[Fault | None]) -> None:
        for fault in found:
            if fault is not None:
                patience.until_done(lambda fault=fault: faults.note(of, fault))  # type: ignore[misc]  # bound now

    return routes


def token_check_route(tokens: TokenVerifier, patience: Patience) -> Blueprint:
    """`GET /api/v1/extension/check-token`, for anybody: it says whether the token would do."""
    routes = Blueprint("token_check", __name__, url_prefix="/api/v1/extension")

    @routes.get("/check-token")
    @described(
        "Whether a token would let its bearer send",
        parameters=CHECK_PARAMETERS,
        answers={200: json_answer(TokenValidity, "What it would do.")},
        problems=(503,),
        scopes=None,
    )
    def check_token() -> Response:
        found = patience.until_done(lambda: tokens.verify(presented_token(request)))
        return _json(TokenValidity(found is not None and Scope.INGEST in found.scopes))

    return routes


def _stream() -> Stream:
    if "connection_id" not in request.args:
        raise invalid("connection_id", "is missing")
    return stream(principal().tenant, request.args["connection_id"], request.args)


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status=status, content_type="application/json")
