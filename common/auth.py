"""Bearer tokens of uploaders and readers. Pushes authenticate in `common.push`."""

import hmac
from collections.abc import Callable
from typing import Protocol

import msgspec
from flask import Request, g

from common.current_request import current_request
from common.ids import DEFAULT_TENANT
from common.ports.token_store import ALL_SCOPES, Scope
from common.problems import Problem
from common.settings import Secret


class Principal(msgspec.Struct, frozen=True):
    """On whose behalf a request acts."""

    tenant: str
    scopes: frozenset[Scope] = ALL_SCOPES
    user_id: str = ""
    """The tenant's user whose token it is, where it is one's."""
    operator: bool = False
    """Who runs the installation (API_TOKEN): may manage the tokens of every tenant."""


class TokenVerifier(Protocol):
    """Says whose token it is."""

    def verify(self, token: str) -> Principal | None:
        """The token's principal, or None when it is not valid. How long it takes says nothing about how much of a wrong one is right.

        Raises `Retryable` when that can't be known now.
        """
        ...


class SingleToken:
    """One tenant, one token: API_TOKEN."""

    def __init__(self, token: Secret) -> None:
        self._token = token.reveal().encode()

    def verify(self, token: str) -> Principal | None:
        """Constant-time comparison. An empty token is nobody's."""
        same = hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self._token)
        return Principal(DEFAULT_TENANT, operator=True) if same and token else None


def presented_token(req: Request) -> str:
    """The token in the Authorization header, else in the query; empty where there is none."""
    scheme, _, token = req.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return req.args.get("token", "")  # what can't set headers (audio elements, EventSource, earlier recorders)


def require_bearer(verifier: TokenVerifier, scope: Scope) -> Callable[[], None]:
    """A `before_request` hook: 401 or 403 with problem details, or `principal()` is set and has `scope`."""

    def authenticate() -> None:
        found = verified(verifier, current_request())
        require_scope(found, scope)
        g.principal = found

    return authenticate


def require_scope(who: Principal, scope: Scope) -> None:
    """Raise a 403 `Problem` unless `who` has the scope."""
    if scope not in who.scopes:
        raise Problem(403, "forbidden", f"This token does not have the scope {scope.value}.", scope=scope.value)


def verified(verifier: TokenVerifier, req: Request) -> Principal:
    """Whose request it is. Raises a 401 `Problem` where its token is missing or not valid."""
    token = presented_token(req)
    found = verifier.verify(token) if token else None
    if found is None:
        what = "The bearer token is not valid." if token else "A bearer token is missing."
        raise Problem(401, "unauthorized", what, headers={"WWW-Authenticate": 'Bearer realm="turnscribe"'})
    return found


def principal() -> Principal:
    """Whose request this is; only behind `require_bearer`."""
    found: Principal = g.principal
    return found
