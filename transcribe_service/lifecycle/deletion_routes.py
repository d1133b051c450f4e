"""`DELETE /v1/meetings/{id}` and `GET /v1/deletions/{id}`. Routes only translate; `deletion` decides."""

from typing import Annotated, Final, Literal

import msgspec
from flask import Blueprint, Response
from msgspec import Meta

from common.auth import TokenVerifier, principal, require_bearer
from common.clock import iso_utc
from common.ids import checked_id
from common.openapi.described import Parameter, described, json_answer, named
from common.ports.token_store import Scope
from common.ports.work_store import Work
from common.problems import Problem
from transcribe_service.lifecycle.answers import json_response
from transcribe_service.lifecycle.deletion import Deletions
from transcribe_service.lifecycle.footprint import Left
from transcribe_service.lifecycle.work_content import DELETION
from transcribe_service.reading.transcript_routes import MEETING

DELETION_ID: Final = Parameter(
    "deletion_id",
    Annotated[str, Meta(pattern=f"^{DELETION}-[0-9a-f]{{32}}$")],
    "The deletion, as `DELETE /v1/meetings/{meeting_id}` named it.",
    where="path",
)


class DeletionView(msgspec.Struct, frozen=True, kw_only=True):
    """How far a deletion is. Kept for 30 days after it is complete; nothing else is left of the meeting then."""

    deletion_id: str
    meeting_id: str
    state: Literal["running", "complete"]
    complete: bool
    """True when listings found nothing that is left: those of this very request."""
    requested_at: str
    completed_at: str | None
    """When nothing was found for the first time."""
    connections: int
    """How many connections the meeting had."""
    left: Left


def deletions_blueprint(deletions: Deletions, tokens: TokenVerifier) -> Blueprint:
    """Both routes."""
    routes = Blueprint("deletions", __name__, url_prefix="/v1")
    routes.before_request(require_bearer(tokens, Scope.ADMIN))

    @routes.delete("/meetings/<meeting_id>")
    @described(
        "Delete a meeting",
        description=(
            "Everything: what was uploaded, segments, hot state, every transcription, and what people said of the meeting. It has begun, and "
            "will be finished whatever fails, once this is answered; asking again finds the same deletion. Audio that its connections still "
            "upload is taken and deleted as well. A new connection with the meeting's id is a new meeting."
        ),
        parameters=named(MEETING),
        answers={202: json_answer(DeletionView, "It has begun.")},
        scopes=(Scope.ADMIN,),
    )
    def delete_meeting(meeting_id: str) -> Response:
        work = deletions.request(principal().tenant, checked_id(meeting_id, "meeting_id"))
        if work is None:
            raise Problem(404, "unknown-meeting", "There is no meeting with this id.")
        return json_response(_view(work), 202)

    @routes.get("/deletions/<deletion_id>")
    @described(
        "What is left of a deleted meeting",
        parameters=named(DELETION_ID),
        answers={200: json_answer(DeletionView, "As it is now: everything is listed for each request.")},
        scopes=(Scope.ADMIN,),
    )
    def show_deletion(deletion_id: str) -> Response:
        work = deletions.stores.works.get(principal().tenant, checked_id(deletion_id, "deletion_id"))
        if work is None or work.kind != deletions.kind:
            raise Problem(404, "unknown-deletion", "There is no deletion with this id; its record is kept for 30 days.")
        return json_response(_view(work))

    def _view(work: Work) -> DeletionView:
        content, left = deletions.left(work)
        complete = left.nothing and content.completed_at_ms is not None
        return DeletionView(
            deletion_id=work.work_id,
            meeting_id=content.meeting_id,
            state="complete" if complete else "running",
            complete=complete,
            requested_at=iso_utc(content.requested_at_ms),
            completed_at=None if content.completed_at_ms is None else iso_utc(content.completed_at_ms),
            connections=len(content.connections),
            left=left,
        )

    return routes
