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
from common.ports.token_store import Scope, TokenStore
from ingest_service.http.body import read_body
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.intake.requests import invalid_body, parameters
from ingest_service.tokens import NewToken, ShownToken, TokenList, create, set_enabled, shown, tenant_to_manage

MAX_BODY_BYTES: Final = 16 * 1024
ID_BYTES: Final = 8
SECRET_BYTES: Final = 32
_OF_TENANT: Final = frozenset({"tenant", "token"})


def token_routes(store: TokenStore, tokens: TokenVerifier, limits: TenantLimits, clock: Clock) -> Blueprint:
    """Everything below `/v1/tokens`, for bearers of a token with the scope admin."""
    routes = Blueprint("tokens", __name__, url_prefix="/v1/tokens")
    guard(routes, tokens, limits, Scope.ADMIN)

    @routes.post("")
    def create_token() -> Response:
        parameters(request.args, frozenset({"token"}))
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
    def list_tokens() -> Response:
        return _json(TokenList(tokens=tuple(map(shown, store.of_tenant(_tenant())))))

    @routes.post("/<token_id>/disable")
    def disable(token_id: str) -> Response:
        return _json(set_enabled(store, _tenant(), token_id, enabled=False))

    @routes.post("/<token_id>/enable")
    def enable(token_id: str) -> Response:
        return _json(set_enabled(store, _tenant(), token_id, enabled=True))

    return routes


def _tenant() -> str:
    return tenant_to_manage(principal(), parameters(request.args, _OF_TENANT).get("tenant"))


def _json(document: ShownToken | TokenList, status: int = 200) -> Response:
    response = Response(msgspec.json.encode(document), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
