"""Bearer tokens of uploaders and readers. Pushes authenticate in `common.push`."""

import hmac
from collections.abc import Callable
from typing import Protocol

import msgspec
from flask import Request, g, request

from common.ids import DEFAULT_TENANT
from common.problems import Problem
from common.settings import Secret


class Principal(msgspec.Struct, frozen=True):
    """On whose behalf a request acts."""

    tenant: str


class TokenVerifier(Protocol):
    """Says whose token it is."""

    def verify(self, token: str) -> Principal | None:
        """The token's principal, or None when it is not valid. Takes the same time for any wrong token."""
        ...


class SingleToken:
    """One tenant, one token: API_TOKEN."""

    def __init__(self, token: Secret) -> None:
        self._token = token.reveal().encode()

    def verify(self, token: str) -> Principal | None:
        """Constant-time comparison. An empty token is nobody's."""
        same = hmac.compare_digest(token.encode(), self._token)
        return Principal(DEFAULT_TENANT) if same and token else None


def _presented(req: Request) -> str:
    scheme, _, token = req.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return req.args.get("token", "")  # what can't set headers (audio elements, EventSource, earlier recorders)


def require_bearer(verifier: TokenVerifier) -> Callable[[], None]:
    """A `before_request` hook: 401 with problem details, or `principal()` is set."""

    def authenticate() -> None:
        token = _presented(request)
        found = verifier.verify(token) if token else None
        if found is None:
            what = "The bearer token is not valid." if token else "A bearer token is missing."
            raise Problem(401, "unauthorized", what, headers={"WWW-Authenticate": 'Bearer realm="turnscribe"'})
        g.principal = found

    return authenticate


def principal() -> Principal:
    """Whose request this is; only behind `require_bearer`."""
    found: Principal = g.principal
    return found
