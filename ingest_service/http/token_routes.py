"""`/v1/tokens`: make tokens, see them, and let them in or no more. Routes only translate; `ingest_service.tokens` decides.

A disabled token is let in for TOKEN_CACHE_SEC more at most. The token itself is in one answer alone, and in no log.
"""

import secrets
from typing import Final

import msgspec
from flask import Blueprint, Response, request

from common.auth import TokenVerifier, principal
from common.clock import Clock
from common.json_input import UNREADABLE_JSON, decoded_json
from common.openapi.described import IdText, Parameter, described, json_answer, json_body, named
from common.ports.token_store import Scope, TokenStore
from ingest_service.http.body import read_body
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.intake.parameters import TOKEN
from ingest_service.intake.requests import invalid_body, parameters
from ingest_service.tokens import (
    CreatedToken,
    NewToken,
    ShownToken,
    TokenList,
    create,
    set_enabled,
    shown,
    tenant_to_manage,
)

MAX_BODY_BYTES: Final = 16 * 1024
ID_BYTES: Final = 8
SECRET_BYTES: Final = 32
_OF_TENANT: Final = named(
    Parameter("tenant", IdText, "Whose tokens. Another tenant than one's own: for who runs the installation alone."),
    TOKEN,
)
_TOKEN_ID: Final = Parameter("token_id", str, "The token's id, which is no secret.", where="path")
_SHOWN: Final = json_answer(ShownToken, "The token, as it is now.")


def token_routes(store: TokenStore, tokens: TokenVerifier, limits: TenantLimits, clock: Clock) -> Blueprint:
    """Everything below `/v1/tokens`, for bearers of a token with the scope admin."""
    routes = Blueprint("tokens", __name__, url_prefix="/v1/tokens")
    guard(routes, tokens, limits, Scope.ADMIN)

    @routes.post("")
    @described(
        "Make a token",
        parameters=named(TOKEN),
        body=json_body(NewToken),
        answers={201: json_answer(CreatedToken, "The only answer that has the token itself.")},
        problems=(411, 413),
        scopes=(Scope.ADMIN,),
    )
    def create_token() -> Response:
        parameters(request.args, named(TOKEN))
        try:
            wanted = decoded_json(read_body(request, MAX_BODY_BYTES), NewToken)
        except UNREADABLE_JSON as error:
            raise invalid_body(str(error)) from error
        made = create(
            store,
            principal(),
            wanted,
            token_id=secrets.token_hex(ID_BYTES),
            secret=secrets.token_urlsafe(SECRET_BYTES),
            now_ms=clock.now_ms(),
        )
        return _json(made, 201)

    @routes.get("")
    @described(
        "A tenant's tokens",
        parameters=_OF_TENANT,
        answers={200: json_answer(TokenList, "In the order in which they were made.")},
        scopes=(Scope.ADMIN,),
    )
    def list_tokens() -> Response:
        return _json(TokenList(tokens=tuple(map(shown, store.of_tenant(_tenant())))))

    @routes.post("/<token_id>/disable")
    @described(
        "Let a token in no more",
        description="It is let in for TOKEN_CACHE_SEC more at most.",
        parameters=named(_TOKEN_ID) | _OF_TENANT,
        answers={200: _SHOWN},
        scopes=(Scope.ADMIN,),
    )
    def disable(token_id: str) -> Response:
        return _json(set_enabled(store, _tenant(), token_id, enabled=False))

    @routes.post("/<token_id>/enable")
    @described(
        "Let a token in again", parameters=named(_TOKEN_ID) | _OF_TENANT, answers={200: _SHOWN}, scopes=(Scope.ADMIN,)
    )
    def enable(token_id: str) -> Response:
        return _json(set_enabled(store, _tenant(), token_id, enabled=True))

    return routes


def _tenant() -> str:
    return tenant_to_manage(principal(), parameters(request.args, _OF_TENANT).get("tenant"))


def _json(document: ShownToken | TokenList, status: int = 200) -> Response:
    response = Response(msgspec.json.encode(document), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
