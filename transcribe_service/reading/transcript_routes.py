"""`GET /v1/meetings/{id}/transcript`. The route only translates; `transcript`, `selection` and `captions` decide."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from common.auth import TokenVerifier, principal, require_bearer
from common.ids import checked_id
from common.openapi.described import Answer, Content, IdText, Parameter, described, named
from common.ports.token_store import Scope
from common.problems import Problem
from transcribe_service.reading.answers import ETAG, IF_NONE_MATCH, NOT_MODIFIED, tagged
from transcribe_service.reading.captions.formats import FORMATS, Format
from transcribe_service.reading.query import whole_number, wrong
from transcribe_service.reading.selection import Selection
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.reading.transcript import transcript

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
MAX_MS: Final = 10**13
SINCE: Final = Parameter(
    "since",
    Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})],
    "Only utterances that begin then or later, whole: RFC 3339 with an offset or Z, as `start_at` has it.",
)
FROM_MS: Final = Parameter(
    "from_ms",
    Annotated[int, Meta(ge=0, le=MAX_MS)],
    "Only words that end after this many milliseconds of the meeting. Times stay those of the meeting.",
)
TO_MS: Final = Parameter(
    "to_ms",
    Annotated[int, Meta(ge=0, le=MAX_MS)],
    "Only words that begin before this many milliseconds of the meeting.",
)
MAX_SPEAKER_CHARACTERS: Final = 200
SPEAKER: Final = Parameter(
    "speaker",
    Annotated[str, Meta(max_length=MAX_SPEAKER_CHARACTERS)],
    "Only what this speaker said: the name that is shown, or the one that the uploader gave. Empty: what nobody is known to have said.",
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Moment = Annotated[datetime, Meta(tz=True)]


def transcript_blueprint(stored: StoredMeetings, tokens: TokenVerifier) -> Blueprint:
    """The transcript's route. Ids are taken as paths, so that one with a slash is told what is wrong with it."""
    routes = Blueprint("transcripts", __name__, url_prefix="/v1/meetings")
    routes.before_request(require_bearer(tokens, Scope.READ))

    @routes.get("/<path:meeting_id>/transcript")
    @described(
        "A meeting's transcript",
        description="Filters may be combined. A word that lies on an end of a time range is in it whole.",
        parameters=named(MEETING, FORMAT, PROVISIONAL, SINCE, FROM_MS, TO_MS, SPEAKER, IF_NONE_MATCH),
        answers={200: Answer("As far as it is.", _written(), ETAG), 304: NOT_MODIFIED},
        problems=(406,),
        scopes=(Scope.READ,),
    )
    def read_transcript(meeting_id: str) -> Response:
        checked_id(meeting_id, "meeting_id")
        written, provisional, wanted = _wanted_format(), _wants_provisional(), _selection()
        found = stored.read(principal().tenant, meeting_id)
        document = transcript(
            meeting_id,
            found.streams,
            found.segments,
            provisional=provisional,
            names=found.meeting.speaker_names,
            wanted=wanted,
        )
        return tagged(written.render(document).encode(), written.content_type)

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
    raise wrong(PROVISIONAL.name, "must be true or false")


def _selection() -> Selection:
    from_ms = whole_number(request.args, FROM_MS.name, least=0, most=MAX_MS)
    to_ms = whole_number(request.args, TO_MS.name, least=0, most=MAX_MS)
    if from_ms is not None and to_ms is not None and to_ms < from_ms:
        raise wrong(TO_MS.name, "must not be before from_ms")
    speaker = request.args.get(SPEAKER.name)
    if speaker is not None and len(speaker) > MAX_SPEAKER_CHARACTERS:
        raise wrong(SPEAKER.name, f"must not be longer than {MAX_SPEAKER_CHARACTERS} characters")
    return Selection(since_ms=_since_ms(), from_ms=from_ms, to_ms=to_ms, speaker=speaker)


def _since_ms() -> int | None:
    value = request.args.get(SINCE.name)
    if value is None:
        return None
    try:
        moment = msgspec.convert(value, _Moment)
    except (msgspec.ValidationError, OverflowError):
        what = "must be a time as in RFC 3339, with Z or an offset (whose + is %2B in an address), such as 2025-11-14T22:13:20.000Z"
        raise wrong(SINCE.name, what) from None
    return (moment - _EPOCH) // timedelta(milliseconds=1)
