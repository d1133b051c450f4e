"""Port: the API tokens of tenants. Only hashes are kept: who reads the store learns no token."""

import hashlib
from enum import Enum
from typing import Protocol

import msgspec


class Scope(Enum):
    """What a token allows."""

    INGEST = "ingest"
    """Send audio, speaker activity and ends, and ask what of them is durable."""
    READ = "read"
    """Read transcripts."""
    EDIT = "edit"
    """Change what people say of a meeting: its title, language, vocabulary, and what its speakers are called."""
    ADMIN = "admin"
    """Manage the tenant's tokens, see and replay its dead letters."""


ALL_SCOPES = frozenset(Scope)


class TokenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A token, as far as anybody but its owner knows it."""

    token_id: str
    """Names the token to people; not secret, unique in an installation."""
    token_hash: str
    """`hash_of` the token."""
    tenant: str
    scopes: frozenset[Scope]
    enabled: bool
    created_at_ms: int
    """Epoch milliseconds."""
    label: str = ""
    """What people call it."""
    user_id: str = ""
    """The person on whose behalf it uploads, where there is one."""


def hash_of(token: str) -> str:
    """64 hex digits: SHA-256. Enough for what is random; a token that people choose is only as good as their choice."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class TokenStore(Protocol):
    """Durable on return. Vendor failures surface as `Retryable`."""

    def put(self, record: TokenRecord) -> None:
        """Store a token; one of the same hash is replaced."""
        ...

    def by_hash(self, token_hash: str) -> TokenRecord | None:
        """The token with that hash, or None."""
        ...

    def by_id(self, tenant: str, token_id: str) -> TokenRecord | None:
        """A tenant's token, or None: also where it is another tenant's."""
        ...

    def of_tenant(self, tenant: str) -> list[TokenRecord]:
        """All tokens of a tenant, in the order in which they were created, then by id."""
        ...

    def of_user(self, tenant: str, user_id: str) -> list[TokenRecord]:
        """All tokens of a tenant's user, in the same order."""
        ...

    def check(self) -> None:
        """Raise `Retryable` when the store can't be reached (readiness)."""
        ...
