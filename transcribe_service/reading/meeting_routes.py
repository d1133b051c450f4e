"""`/v1/meetings`: list them, look at one, and change what people say of it. Routes only translate.

What is decided stands in `meeting_list`, `meeting_view` and `meeting_changes`.
"""

from typing import Final

from flask import Blueprint, Response, request

from common.auth import TokenVerifier, principal, require_bearer
from common.ids import checked_id
from common.json_input import UNREADABLE_JSON, decoded_json
from common.limited_body import limited_body
from common.openapi.described import JSON, Body, Content, described, json_answer, named
from common.ports.meeting_store import Cursor
from common.ports.token_store import Scope
from common.problems import Problem
from transcribe_service.reading.answers import ETAG, IF_NONE_MATCH, NOT_MODIFIED, tagged_json
from transcribe_service.reading.cursors import place_of
from transcribe_service.reading.meeting_changes import MeetingPatch, patched
from transcribe_service.reading.meeting_list import ListPlace, MeetingPage, meeting_page
from transcribe_service.reading.meeting_view import MeetingView, meeting_view
from transcribe_service.reading.query import CURSOR, limit_of, limit_parameter
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.reading.transcript_routes import MEETING

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
MAX_BODY_BYTES: Final = 512 * 1024
MERGE_PATCH: Final = "application/merge-patch+json"


def meetings_blueprint(stored: StoredMeetings, tokens: TokenVerifier) -> Blueprint:
    """`GET /v1/meetings` and `GET /v1/meetings/{id}`.

    Ids are taken as paths, so that one with a slash is told what is wrong with it instead of that there is no such page.
    """
    routes = Blueprint("meetings", __name__, url_prefix="/v1/meetings")
    routes.before_request(require_bearer(tokens, Scope.READ))

    @routes.get("")
    @described(
        "A tenant's meetings",
        parameters=named(limit_parameter(DEFAULT_LIMIT, MAX_LIMIT), CURSOR, IF_NONE_MATCH),
        answers={200: json_answer(MeetingPage, "The newest first.", ETAG), 304: NOT_MODIFIED},
        scopes=(Scope.READ,),
    )
    def list_meetings() -> Response:
        limit, cursor = limit_of(request.args, DEFAULT_LIMIT, MAX_LIMIT), request.args.get(CURSOR.name)
        place = None if cursor is None else place_of(cursor, ListPlace)
        after = None if place is None else Cursor(place.opened_at_ms, place.meeting_id)
        tenant = principal().tenant
        found = stored.meetings.page(tenant, limit=limit + 1, after=after)
        streams = stored.streams.of_meetings(tenant, [meeting.meeting_id for meeting in found[:limit]])
        return tagged_json(meeting_page(found, limit, streams))

    @routes.get("/<path:meeting_id>")
    @described(
        "A meeting, and how far its transcript is",
        parameters=named(MEETING, IF_NONE_MATCH),
        answers={200: json_answer(MeetingView, "The meeting and its streams.", ETAG), 304: NOT_MODIFIED},
        scopes=(Scope.READ,),
    )
    def show_meeting(meeting_id: str) -> Response:
        checked_id(meeting_id, "meeting_id")
        return tagged_json(meeting_view(stored.read(principal().tenant, meeting_id)))

    return routes


def meeting_edit_blueprint(stored: StoredMeetings, tokens: TokenVerifier) -> Blueprint:
    """`PATCH /v1/meetings/{id}`."""
    routes = Blueprint("meeting_edit", __name__, url_prefix="/v1/meetings")
    routes.before_request(require_bearer(tokens, Scope.EDIT))

    @routes.patch("/<meeting_id>")
    @described(
        "Change what people say of a meeting",
        description=(
            "A JSON merge patch (RFC 7396): what is left out stays, null takes away. Speakers' names are applied whenever the meeting is "
            "read, in every format; what the uploader said stays stored."
        ),
        parameters=named(MEETING),
        body=Body(
            (Content(MERGE_PATCH, MeetingPatch), Content(JSON, MeetingPatch)), "In JSON, whatever its type says."
        ),
        answers={200: json_answer(MeetingView, "The meeting as it is now.", ETAG)},
        problems=(413,),
        scopes=(Scope.EDIT,),
    )
    def change_meeting(meeting_id: str) -> Response:
        checked_id(meeting_id, "meeting_id")
        tenant, patch = principal().tenant, _patch()
        found = stored.read(tenant, meeting_id)
        if stored.meetings.get(tenant, meeting_id) is None:
            stored.meetings.open(tenant, meeting_id, found.meeting.opened_at_ms)
        stored.meetings.change(tenant, meeting_id, lambda meeting: patched(meeting, patch))
        return tagged_json(meeting_view(stored.read(tenant, meeting_id)))

    return routes


def _patch() -> MeetingPatch:
    body = limited_body(request, MAX_BODY_BYTES)
    try:
        return decoded_json(body, MeetingPatch)
    except UNREADABLE_JSON as error:
        raise Problem(400, "invalid-body", f"The body is no such JSON: {error}") from error
