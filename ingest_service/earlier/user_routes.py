"""`/api/v1/users`: whoever runs the earlier system tells which users' tokens are good. With the service token (API_TOKEN) alone.

Users are people of one tenant, who record the same meetings; they are no tenants of their own.
"""

from typing import Annotated, Final, TypeVar

import msgspec
from flask import Blueprint, Response, request
from msgspec import Meta

from common.auth import TokenVerifier, principal
from common.clock import Clock
from common.json_input import UNREADABLE_JSON, decoded_json
from common.openapi.described import described, json_answer, json_body, named
from common.ports.token_store import Scope, TokenRecord, TokenStore, hash_of
from common.problems import Problem
from common.stored_tokens import MAX_TOKEN_LENGTH
from ingest_service.http.body import read_body
from ingest_service.http.limits import TenantLimits, guard
from ingest_service.intake.parameters import TOKEN
from ingest_service.intake.requests import invalid_body

MAX_BODY_BYTES: Final = 1024**2
MIN_TOKEN_LENGTH: Final = 16
"""Characters. Only a hash is kept, and what is shorter can be guessed from it."""
UserId = Annotated[str, Meta(min_length=1, max_length=128)] | int
T = TypeVar("T")
SERVICE_PARAMETERS: Final = named(TOKEN)


class UserToken(msgspec.Struct, frozen=True):
    """The body of `add-token`."""

    token: Annotated[str, Meta(min_length=MIN_TOKEN_LENGTH, max_length=MAX_TOKEN_LENGTH)]
    user_id: UserId
    enable_status: bool = True


class UserStatus(msgspec.Struct, frozen=True):
    """One entry of the body of `set-status`."""

    user_id: UserId
    enable_status: bool


class Done(msgspec.Struct, frozen=True):
    """It is durable."""

    message: str


def user_routes(store: TokenStore, tokens: TokenVerifier, limits: TenantLimits, clock: Clock) -> Blueprint:
    """Both routes."""
    routes = Blueprint("users", __name__, url_prefix="/api/v1/users")
    guard(routes, tokens, limits, Scope.ADMIN)

    @routes.before_request
    def _operator_only() -> None:
        if not principal().operator:
            raise Problem(403, "forbidden", "Only the service's own token manages the tokens of users.")

    @routes.post("/add-token")
    @described(
        "Make a user's token known",
        description="The same token again replaces what was said of it. It may send, and nothing else.",
        parameters=SERVICE_PARAMETERS,
        body=json_body(UserToken),
        answers={200: json_answer(Done, "It is durable; each process hears of it within TOKEN_CACHE_SEC.")},
        problems=(409, 411, 413),
        scopes=(Scope.ADMIN,),
    )
    def add_token() -> Response:
        said = _read(UserToken)
        tenant, token_hash = principal().tenant, hash_of(said.token)
        known = store.by_hash(token_hash)
        if known is not None and known.tenant != tenant:
            raise Problem(409, "token-taken", "This token is another tenant's.")
        record = TokenRecord(
            token_id=known.token_id if known else f"user-{token_hash[:16]}",
            token_hash=token_hash,
            tenant=tenant,
            scopes=frozenset({Scope.INGEST}),
            enabled=said.enable_status,
            created_at_ms=known.created_at_ms if known else clock.now_ms(),
            user_id=str(said.user_id),
        )
        store.put(record)
        return _json(Done("Token added"))

    @routes.post("/set-status")
    @described(
        "Let users in, or no more",
        description="All tokens of each user. Users of whom no token is known are passed over.",
        parameters=SERVICE_PARAMETERS,
        body=json_body(list[UserStatus]),
        answers={200: json_answer(Done, "It is durable; each process hears of it within TOKEN_CACHE_SEC.")},
        problems=(411, 413),
        scopes=(Scope.ADMIN,),
    )
    def set_status() -> Response:
        for said in _read(list[UserStatus]):
            for record in store.of_user(principal().tenant, str(said.user_id)):
                store.put(msgspec.structs.replace(record, enabled=said.enable_status))
        return _json(Done("Status set"))

    return routes


def _read(kind: type[T]) -> T:
    try:
        return decoded_json(read_body(request, MAX_BODY_BYTES), kind)
    except UNREADABLE_JSON as error:
        raise invalid_body(str(error)) from error


def _json(body: object) -> Response:
    return Response(msgspec.json.encode(body), content_type="application/json")
