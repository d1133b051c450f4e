"""`GET /v1/meetings/{id}/segments/{segment_id}/audio`: hear what was said. The route only translates; `segment_audio` decides."""

import hashlib
from typing import Annotated, Final

from flask import Blueprint, Response, request
from msgspec import Meta
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from common.auth import TokenVerifier, principal, require_bearer
from common.ids import checked_id
from common.openapi.described import Answer, Content, Header, Parameter, described, named
from common.ports.token_store import Scope
from common.problems import Problem
from common.security_headers import CSP, NO_CONTENT
from transcribe_service.reading.answers import ETAG, IF_NONE_MATCH, NOT_MODIFIED
from transcribe_service.reading.segment_audio import SegmentAudio
from transcribe_service.reading.transcript_routes import MEETING

FLAC: Final = "audio/flac"
START_MS: Final = "Turnscribe-Start-Ms"
PADDING_MS: Final = "Turnscribe-Padding-Ms"
SEGMENT: Final = Parameter(
    "segment_id",
    Annotated[str, Meta(pattern="^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}:(0|[1-9][0-9]{0,8}):(0|[1-9][0-9]{0,14})$")],
    "The segment, as utterances name it.",
    where="path",
)
RANGE: Final = Parameter("Range", str, "A part of the audio, in bytes.", where="header")
IF_RANGE: Final = Parameter(
    "If-Range",
    str,
    "The ETag of the parts that are there; where it is another by now, all of it comes.",
    where="header",
)
_PLACE: Final = {
    START_MS: Header(int, "Milliseconds of the meeting at which the audio begins, after its padding.", required=True),
    PADDING_MS: Header(int, "Milliseconds of silence that come before it.", required=True),
}
_PART: Final = {"Content-Range": Header(str, "Which part it is.", required=True)}


def audio_blueprint(audio: SegmentAudio, tokens: TokenVerifier) -> Blueprint:
    """The audio's route. What can't set headers, such as an audio element, puts the token into the query."""
    routes = Blueprint("segment_audio", __name__, url_prefix="/v1/meetings")
    routes.before_request(require_bearer(tokens, Scope.READ))

    @routes.get("/<path:meeting_id>/segments/<segment_id>/audio")
    @described(
        "The audio of a final segment",
        parameters=named(MEETING, SEGMENT, RANGE, IF_RANGE, IF_NONE_MATCH),
        answers={
            200: Answer("FLAC, 16 kHz, mono.", (Content(FLAC),), ETAG | _PLACE),
            206: Answer("The part that was asked for.", (Content(FLAC),), ETAG | _PLACE | _PART),
            304: NOT_MODIFIED,
        },
        problems=(416,),
        scopes=(Scope.READ,),
    )
    def segment_audio(meeting_id: str, segment_id: str) -> Response:
        checked_id(meeting_id, "meeting_id")
        found = audio.read(principal().tenant, meeting_id, segment_id)
        response = Response(found.flac, content_type=FLAC)
        response.set_etag(hashlib.sha256(found.flac).hexdigest()[:32])
        response.headers[START_MS] = str(found.start_ms)
        response.headers[PADDING_MS] = str(found.padding_ms)
        response.headers["Cache-Control"] = "no-store"
        response.headers[CSP] = f"{NO_CONTENT}; media-src 'self'"  # a browser that is shown the address plays it
        response.headers["Cross-Origin-Resource-Policy"] = (
            "cross-origin"  # its token lets an audio element in, on whoever's page
        )
        response.headers["Vary"] = "Authorization"
        size_bytes = len(found.flac)
        try:
            response.make_conditional(request, accept_ranges=True, complete_length=size_bytes)
        except RequestedRangeNotSatisfiable:
            raise Problem(
                416,
                "range-not-satisfiable",
                f"Range must name one part of the {size_bytes} bytes that there are.",
                headers={"Content-Range": f"bytes */{size_bytes}"},
            ) from None
        return response

    return routes
