"""`GET` and `PUT /v1/retention`. Routes only translate; `retention` decides."""

from flask import Blueprint, Response

from common.auth import TokenVerifier, principal, require_bearer
from common.openapi.described import described, json_answer, json_body
from common.ports.token_store import Scope
from transcribe_service.lifecycle.answers import json_request, json_response
from transcribe_service.lifecycle.retention import Retention, Retentions


def retention_blueprint(retentions: Retentions, tokens: TokenVerifier) -> Blueprint:
    """Both routes."""
    routes = Blueprint("retention", __name__, url_prefix="/v1/retention")
    routes.before_request(require_bearer(tokens, Scope.ADMIN))

    @routes.get("")
    @described(
        "How long meetings are kept",
        answers={200: json_answer(Retention, "The tenant's own retention, else RETENTION_DAYS.")},
        scopes=(Scope.ADMIN,),
    )
    def show() -> Response:
        return json_response(retentions.get(principal().tenant))

    @routes.put("")
    @described(
        "Say how long meetings are kept",
        description=(
            "In days from when a meeting was opened; null is for ever. What is too old is deleted by the next sweeps, meetings that are still "
            "open once they are closed. Where only the audio is too old, the transcript stays, and can't be made anew."
        ),
        body=json_body(Retention),
        answers={200: json_answer(Retention, "As it is from now on.")},
        problems=(413,),
        scopes=(Scope.ADMIN,),
    )
    def change() -> Response:
        tenant, wanted = principal().tenant, json_request(Retention)
        retentions.put(tenant, wanted)
        return json_response(retentions.get(tenant))

    return routes
