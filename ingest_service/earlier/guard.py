"""Who may come in here: as elsewhere, but a bad moment of the token store, or a tenant's rate, is waited out inside the request."""

from flask import Blueprint, g, request

from common.auth import TokenVerifier, require_scope, verified
from common.ports.token_store import Scope
from ingest_service.earlier.patience import Patience
from ingest_service.http.limits import TenantLimits, leave_with_request


def patient_guard(
    routes: Blueprint, tokens: TokenVerifier, limits: TenantLimits, patience: Patience, scope: Scope
) -> None:
    """As `ingest_service.http.limits.guard`: 401, 403 or, after PATIENCE_S, 429 or 503."""

    @routes.before_request
    def _enter() -> None:
        found = patience.until_done(lambda: verified(tokens, request))
        require_scope(found, scope)
        g.principal = found
        patience.until_done(lambda: limits.enter(found.tenant))
        g.entered = found.tenant

    leave_with_request(routes, limits)
