"""The `TokenStore` port over Firestore: `tokens/{token_hash}`.

Checking a token reads one document by its name. Every query asks for one field alone (`tenant`; `of_id` and `of_user`, which begin
with the tenant), so that no composite index is needed.
"""

from typing import Any, Final

import msgspec
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from common.adapters.google.firestore_calls import FIRESTORE, TIMEOUT_S, check, once
from common.adapters.google.google_errors import translated
from common.ports.token_store import TokenRecord

_RECORD: Final = msgspec.json.Decoder(TokenRecord)


class FirestoreTokenStore:
    """Tokens of all tenants. Safe to use from many threads."""

    def __init__(self, client: firestore.Client, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client
        self._tokens: Any = client.collection("tokens")
        self._timeout_s = timeout_s
        self._once = once(timeout_s)

    def put(self, record: TokenRecord) -> None:
        """Store a token; one of the same hash is replaced."""
        fields = {
            "tenant": record.tenant,
            "of_id": _owned(record.tenant, record.token_id),
            "of_user": _owned(record.tenant, record.user_id),
            "record": msgspec.json.encode(record).decode(),
        }
        with translated(FIRESTORE):
            self._tokens.document(record.token_hash).set(fields, **self._once)

    def by_hash(self, token_hash: str) -> TokenRecord | None:
        """The token with that hash, or None."""
        with translated(FIRESTORE):
            found = self._tokens.document(token_hash).get(**self._once)
        return _token(found) if found.exists else None

    def by_id(self, tenant: str, token_id: str) -> TokenRecord | None:
        """A tenant's token, or None: also where it is another tenant's."""
        found = self._where("of_id", _owned(tenant, token_id))
        return found[0] if found else None

    def of_tenant(self, tenant: str) -> list[TokenRecord]:
        """All tokens of a tenant, in the order in which they were created, then by id."""
        return self._where("tenant", tenant)

    def of_user(self, tenant: str, user_id: str) -> list[TokenRecord]:
        """All tokens of a tenant's user, in the same order."""
        return self._where("of_user", _owned(tenant, user_id))

    def check(self) -> None:
        """Raise `Retryable` when Firestore does not answer."""
        check(self._client, self._timeout_s)

    def _where(self, field: str, value: str) -> list[TokenRecord]:
        query = self._tokens.where(filter=FieldFilter(field, "==", value))
        with translated(FIRESTORE):
            found = [_token(each) for each in query.get(**self._once)]
        return sorted(found, key=lambda each: (each.created_at_ms, each.token_id))


def _owned(tenant: str, name: str) -> str:
    """No tenant has a slash in its name, so what follows the first one is the name."""
    return f"{tenant}/{name}"


def _token(document: Any) -> TokenRecord:
    return _RECORD.decode(document.to_dict()["record"])
