"""Managing the tokens of tenants: who may give what to whom, and what is told about a token. Who may ask at all is checked before."""

from typing import Final, Literal

import msgspec

from common.auth import Principal
from common.clock import iso_utc
from common.ids import checked_id
from common.ports.token_store import Scope, TokenRecord, TokenStore, hash_of
from common.problems import Problem

PREFIX: Final = "ts"
"""What every token that is made here begins with, so that scanners for secrets can know one."""
MAX_LABEL_LENGTH: Final = 200
ScopeName = Literal["ingest", "read", "edit", "admin"]


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /v1/tokens`."""

    scopes: tuple[Scope, ...]
    """What it allows; at least one."""
    label: str = ""
    """What people call it, at most 200 characters."""
    tenant: str | None = None
    """Another tenant than the caller's own: for the operator alone."""
    user_id: str = ""
    """The tenant's user on whose behalf it uploads."""


class ShownToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token, as far as anybody but its owner may know it."""

    id: str
    tenant: str
    label: str
    scopes: tuple[ScopeName, ...]
    user_id: str
    enabled: bool
    created_at: str
    """ISO 8601, UTC."""


class CreatedToken(ShownToken, frozen=True, kw_only=True):
    """The answer to `POST /v1/tokens`, and the only one that has the token itself: only its hash is kept."""

    token: str


class TokenList(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `GET /v1/tokens`, in the order in which they were created."""

    tokens: tuple[ShownToken, ...]


def tenant_to_manage(who: Principal, tenant: str | None) -> str:
    """The tenant whose tokens a request is about: one's own, unless the operator names another. Raises a 403 `Problem`, `InvalidId`."""
    if tenant is None or tenant == who.tenant:
        return who.tenant
    if not who.operator:
        raise Problem(403, "forbidden", "This token manages the tokens of its own tenant alone.")
    return checked_id(tenant, "tenant")


def create(
    store: TokenStore, who: Principal, wanted: NewToken, *, token_id: str, secret: str, now_ms: int
) -> CreatedToken:
    """Store a token's hash; the answer has the token. `token_id` and `secret` are random. Raises a 400 or 403 `Problem`, `InvalidId`."""
    tenant = tenant_to_manage(who, wanted.tenant)
    if not wanted.scopes:
        raise _invalid("scopes", "must name at least one of ingest, read, edit, admin")
    lacking = sorted(scope.value for scope in set(wanted.scopes) - who.scopes)
    if lacking:
        raise Problem(403, "forbidden", f"This token lacks what it would give: {', '.join(lacking)}.", scopes=lacking)
    if len(wanted.label) > MAX_LABEL_LENGTH or not wanted.label.isprintable():
        raise _invalid("label", f"must be at most {MAX_LABEL_LENGTH} printable characters")
    token = f"{PREFIX}_{token_id}_{secret}"
    record = TokenRecord(
        token_id=token_id,
        token_hash=hash_of(token),
        tenant=tenant,
        scopes=frozenset(wanted.scopes),
        enabled=True,
        created_at_ms=now_ms,
        label=wanted.label,
        user_id=checked_id(wanted.user_id, "user_id") if wanted.user_id else "",
    )
    store.put(record)
    return CreatedToken(**msgspec.structs.asdict(shown(record)), token=token)


def set_enabled(store: TokenStore, tenant: str, token_id: str, *, enabled: bool) -> ShownToken:
    """Let a token in, or no more; it stays known either way. Raises a 404 `Problem`, also where it is another tenant's."""
    record = store.by_id(tenant, token_id)
    if record is None:
        raise Problem(404, "unknown-token", "There is no token with this id.")
    changed = msgspec.structs.replace(record, enabled=enabled)
    store.put(changed)
    return shown(changed)


def shown(record: TokenRecord) -> ShownToken:
    """What may be told about it. Pure."""
    return ShownToken(
        id=record.token_id,
        tenant=record.tenant,
        label=record.label,
        scopes=tuple(scope.value for scope in Scope if scope in record.scopes),
        user_id=record.user_id,
        enabled=record.enabled,
        created_at=iso_utc(record.created_at_ms),
    )


def _invalid(field: str, problem: str) -> Problem:
    return Problem(400, "invalid-body", f"{field} {problem}", field=field)
