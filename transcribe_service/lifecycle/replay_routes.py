"""`POST` and `GET /v1/meetings/{id}/replay`. Routes only translate; `replay` decides."""

from typing import Literal

import msgspec
from flask import Blueprint, Response

from common.auth import TokenVerifier, principal, require_bearer
from common.clock import iso_utc
from common.ids import checked_id
from common.openapi.described import described, json_answer, named
from common.ports.token_store import Scope
from common.ports.work_store import Work
from common.problems import Problem
from transcribe_service.lifecycle.answers import json_response
from transcribe_service.lifecycle.replay import ReplayContent, ReplayedStream, Replays
from transcribe_service.lifecycle.work_content import content_of
from transcribe_service.reading.transcript_routes import MEETING


class ReplayView(msgspec.Struct, frozen=True, kw_only=True):
    """How far a meeting's last replay is."""

    meeting_id: str
    state: Literal["running", "complete"]
    requested_at: str
    completed_at: str | None
    streams: tuple[ReplayedStream, ...]


def replay_blueprint(replays: Replays, tokens: TokenVerifier) -> Blueprint:
    """Both routes."""
    routes = Blueprint("replay", __name__, url_prefix="/v1/meetings/<meeting_id>/replay")
    routes.before_request(require_bearer(tokens, Scope.ADMIN))

    @routes.post("")
    @described(
        "Rebuild a meeting from its chunks",
        description=(
            "Each connection is decoded, cut and transcribed anew. Readers see the transcript that is there until it is replaced, segment by "
            "segment; what has no counterpart goes in the end. Asking again while it is under way finds the same replay."
        ),
        parameters=named(MEETING),
        answers={202: json_answer(ReplayView, "It has begun.")},
        problems=(409,),
        scopes=(Scope.ADMIN,),
    )
    def begin(meeting_id: str) -> Response:
        return json_response(_view(replays.request(principal().tenant, checked_id(meeting_id, "meeting_id"))), 202)

    @routes.get("")
    @described(
        "How far a replay is",
        parameters=named(MEETING),
        answers={200: json_answer(ReplayView, "The last one.")},
        scopes=(Scope.ADMIN,),
    )
    def show(meeting_id: str) -> Response:
        work = replays.get(principal().tenant, checked_id(meeting_id, "meeting_id"))
        if work is None:
            raise Problem(404, "unknown-replay", "This meeting was never replayed.")
        return json_response(_view(work))

    def _view(work: Work) -> ReplayView:
        content = content_of(work, ReplayContent)
        return ReplayView(
            meeting_id=content.meeting_id,
            state="running" if content.finished_at_ms is None else "complete",
            requested_at=iso_utc(content.requested_at_ms),
            completed_at=None if content.finished_at_ms is None else iso_utc(content.finished_at_ms),
            streams=replays.streams(work),
        )

    return routes
