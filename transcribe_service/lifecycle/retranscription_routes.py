"""`POST /v1/meetings/{id}/retranscriptions` and `GET …/retranscriptions/{take}`. Routes only translate; `retranscription` decides."""

from typing import Annotated, Final, Literal

import msgspec
from flask import Blueprint, Response
from msgspec import Meta

from common.auth import TokenVerifier, principal, require_bearer
from common.clock import iso_utc
from common.ids import checked_id
from common.openapi.described import JSON, Body, Content, Parameter, described, json_answer, named
from common.ports.token_store import Scope
from common.problems import Problem
from transcribe_service.lifecycle.answers import json_request, json_response
from transcribe_service.lifecycle.retranscription import Retranscriptions
from transcribe_service.lifecycle.retranscription_content import Take
from transcribe_service.reading.meeting_changes import MAX_TERMS, Term
from transcribe_service.reading.transcript_routes import MEETING

TAKE: Final = Parameter(
    "take", Annotated[str, Meta(pattern="^[0-9]{1,9}$")], "Which one, as its request was told.", where="path"
)
Language = Annotated[str, Meta(max_length=35, pattern="^([A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$")]
Vocabulary = Annotated[tuple[Term, ...], Meta(max_length=MAX_TERMS)]
Model = Annotated[str, Meta(max_length=200, pattern=r"^[A-Za-z0-9._:/@+ -]*$")]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different this time; what is left out, or empty, is as it was."""

    model: Model = ""
    """As the Whisper server calls it; a server with one model ignores it."""
    language: Language = ""
    """BCP 47."""
    vocabulary: Vocabulary = ()
    """Names and terms to expect, besides those of the meeting."""


class RetranscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """How far another transcription of a meeting is."""

    take: str
    meeting_id: str
    state: Literal["running", "complete", "failed"]
    reason: str
    """Why it failed: `unsupported_audio` and the like, as Whisper's refusals are called. The original was not touched."""
    model: str
    language: str
    vocabulary: tuple[str, ...]
    segments: int
    segments_expected: int
    requested_at: str
    finished_at: str | None


class RetranscriptionList(msgspec.Struct, frozen=True):
    """All that are remembered; a meeting that was never transcribed again has none."""

    retranscriptions: tuple[RetranscriptionView, ...]


def retranscription_blueprint(retranscriptions: Retranscriptions, tokens: TokenVerifier) -> Blueprint:
    """Begin one, list them, look at one."""
    routes = Blueprint("retranscriptions", __name__, url_prefix="/v1/meetings/<meeting_id>/retranscriptions")
    routes.before_request(require_bearer(tokens, Scope.ADMIN))

    @routes.post("")
    @described(
        "Transcribe a meeting once more",
        description=(
            "Its stored segments are given to Whisper again. Readers see the transcript that is there until the new one has all segments; then "
            "they see the new one, and the old one goes. Where Whisper refuses what it took before, the old one stays. Asking again for the "
            "same finds the one under way."
        ),
        parameters=named(MEETING),
        body=Body((Content(JSON, Wanted),), "In JSON, whatever its Content-Type says.", required=False),
        answers={202: json_answer(RetranscriptionView, "It has begun.")},
        problems=(409, 413),
        scopes=(Scope.ADMIN,),
    )
    def begin(meeting_id: str) -> Response:
        checked_id(meeting_id, "meeting_id")
        wanted = json_request(Wanted, empty=Wanted())
        take = retranscriptions.request(
            principal().tenant,
            meeting_id,
            model=wanted.model,
            language=wanted.language,
            vocabulary=wanted.vocabulary,
        )
        return json_response(_view(meeting_id, take), 202)

    @routes.get("")
    @described(
        "A meeting's other transcriptions",
        parameters=named(MEETING),
        answers={200: json_answer(RetranscriptionList, "In the order in which they were asked for.")},
        scopes=(Scope.ADMIN,),
    )
    def list_all(meeting_id: str) -> Response:
        found = retranscriptions.all_of(principal().tenant, checked_id(meeting_id, "meeting_id"))
        return json_response(RetranscriptionList(tuple(_view(meeting_id, each) for each in found)))

    @routes.get("/<take>")
    @described(
        "How far another transcription is",
        parameters=named(MEETING, TAKE),
        answers={200: json_answer(RetranscriptionView, "As it is now.")},
        scopes=(Scope.ADMIN,),
    )
    def show(meeting_id: str, take: str) -> Response:
        found = retranscriptions.get(principal().tenant, checked_id(meeting_id, "meeting_id"), take)
        if found is None:
            raise Problem(404, "unknown-retranscription", "This meeting has no such other transcription.")
        return json_response(_view(meeting_id, found))

    return routes


def _view(meeting_id: str, take: Take) -> RetranscriptionView:
    return RetranscriptionView(
        take=take.take,
        meeting_id=meeting_id,
        state=take.state,
        reason=take.reason,
        model=take.model,
        language=take.language,
        vocabulary=take.vocabulary,
        segments=take.segments,
        segments_expected=take.segments_expected,
        requested_at=iso_utc(take.requested_at_ms),
        finished_at=None if take.finished_at_ms is None else iso_utc(take.finished_at_ms),
    )
