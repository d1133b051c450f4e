"""HTTP of the transcribe service: what readers ask for. Routes only translate; `transcript` and `captions` decide."""

import hashlib
from typing import Annotated, Final

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from common.auth import TokenVerifier, principal, require_bearer
from common.ids import checked_id
from common.openapi.described import Answer, Content, Header, IdText, Parameter, described, json_answer, named
from common.ports.stream_registry import StreamRecord, StreamRegistry
from common.ports.token_store import Scope
from common.ports.transcript_store import SegmentTranscript, TranscriptStore
from common.problems import Problem
from transcribe_service.reading.captions.formats import FORMATS, Format
from transcribe_service.reading.transcript import MeetingStatus, meeting_status, transcript

MEETING: Final = Parameter("meeting_id", IdText, "The meeting.", where="path")
FORMAT: Final = Parameter(
    "format",
    Annotated[str, Meta(extra_json_schema={"enum": [each.name for each in FORMATS]})],
    "How the transcript is written. Without it, the Accept header says; without both, it is JSON.",
)
PROVISIONAL: Final = Parameter(
    "provisional",
    Annotated[str, Meta(extra_json_schema={"enum": ["true", "false"]})],
    "Whether live revisions are in it, which may still change. Without it: while the transcript is not complete.",
)
IF_NONE_MATCH: Final = Parameter("If-None-Match", str, "The ETag of what is there already.", where="header")
_ETAG: Final = {"ETag": Header(str, "Changes with the content.", required=True)}
_NOT_MODIFIED: Final = Answer("Nothing is new since that ETag.", headers=_ETAG)


def meetings_blueprint(transcripts: TranscriptStore, streams: StreamRegistry, tokens: TokenVerifier) -> Blueprint:
    """`GET /v1/meetings/{id}` and `GET /v1/meetings/{id}/transcript`.

    Ids are taken as paths, so that one with a slash is told what is wrong with it instead of that there is no such page.
    """
    routes = Blueprint("meetings", __name__, url_prefix="/v1/meetings")
    routes.before_request(require_bearer(tokens, Scope.READ))

    def stored(meeting_id: str) -> tuple[list[StreamRecord], list[SegmentTranscript]]:
        tenant = principal().tenant
        records = streams.of_meeting(tenant, meeting_id)
        segments = transcripts.segments(tenant, meeting_id)
        if not records and not segments:
            raise Problem(404, "unknown-meeting", "There is no meeting with this id, or it has no stream yet.")
        return records, segments

    @routes.get("/<path:meeting_id>")
    @described(
        "How far a meeting's transcript is",
        parameters=named(MEETING, IF_NONE_MATCH),
        answers={200: json_answer(MeetingStatus, "The meeting's streams.", _ETAG), 304: _NOT_MODIFIED},
        scopes=(Scope.READ,),
    )
    def status(meeting_id: str) -> Response:
        found = stored(checked_id(meeting_id, "meeting_id"))
        return _answer(msgspec.json.encode(meeting_status(meeting_id, *found)), "application/json")

    @routes.get("/<path:meeting_id>/transcript")
    @described(
        "A meeting's transcript",
        parameters=named(MEETING, FORMAT, PROVISIONAL, IF_NONE_MATCH),
        answers={200: Answer("As far as it is.", _written(), _ETAG), 304: _NOT_MODIFIED},
        problems=(406,),
        scopes=(Scope.READ,),
    )
    def read_transcript(meeting_id: str) -> Response:
        checked_id(meeting_id, "meeting_id")
        wanted, provisional = _wanted_format(), _wants_provisional()
        document = transcript(meeting_id, *stored(meeting_id), provisional=provisional)
        return _answer(wanted.render(document).encode(), wanted.content_type)

    return routes


def _written() -> tuple[Content, ...]:
    """The formats by media type; several may share one."""
    kinds: dict[str, tuple[type, ...]] = {}
    for each in FORMATS:
        kinds[each.media_type] = (*kinds.get(each.media_type, ()), each.kind)
    return tuple(Content(media_type, found if len(found) > 1 else found[0]) for media_type, found in kinds.items())


def _wanted_format() -> Format:
    """By `format=`, else by the Accept header, else the first one."""
    names = [each.name for each in FORMATS]
    name = request.args.get(FORMAT.name)
    if name is not None:
        for each in FORMATS:
            if each.name == name:
                return each
        raise Problem(400, "unknown-format", f"format must be one of {', '.join(names)}.", formats=names)
    if not request.accept_mimetypes:
        return FORMATS[0]
    best = request.accept_mimetypes.best_match([each.media_type for each in FORMATS])
    for each in FORMATS:
        if each.media_type == best:
            return each
    offered = {each.name: each.media_type for each in FORMATS}
    raise Problem(406, "not-acceptable", f"The transcript comes as {', '.join(offered.values())}.", formats=offered)


def _wants_provisional() -> bool | None:
    value = request.args.get(PROVISIONAL.name)
    match value:
        case None:
            return None
        case "true":
            return True
        case "false":
            return False
    raise Problem(400, "invalid-parameter", "provisional must be true or false.", parameter="provisional")


def _answer(body: bytes, content_type: str) -> Response:
    """With an entity tag, so that who polls pays for news only."""
    response = Response(body, content_type=content_type)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept, Authorization"
    response.make_conditional(request)
    return response
