"""Managing a tenant's tokens from the SDK: `client.tokens`. The client's own token needs the scope admin."""

from collections.abc import Iterable
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from turnscribe.schema import CreatedToken, Token, TokenList
from turnscribe.transport import Transport

ScopeName = Literal["ingest", "read", "edit", "admin"]
_TOKENS: Final = "/v1/tokens"


class Tokens:
    """The tokens of the client's tenant, or of another one that the operator names as `tenant`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self, scopes: Iterable[ScopeName], *, label: str = "", user_id: str = "", tenant: str | None = None
    ) -> CreatedToken:
        """Make a token; its `token` is told this once. Raises `BadRequest`, or `Unauthorized` where the scopes are not one's own.

        Where the answer is lost and the request repeated, there is one more token, which nobody knows.
        """
        wanted = {"scopes": list(scopes), "label": label, "user_id": user_id, "tenant": tenant}
        return self._transport.request(
            "POST", _TOKENS, body=msgspec.json.encode(wanted), headers={"Content-Type": "application/json"}
        ).decoded(CreatedToken)

    def list(self, *, tenant: str | None = None) -> tuple[Token, ...]:
        """All of them, disabled ones too, in the order in which they were created."""
        return self._transport.request("GET", _TOKENS, query=_of(tenant)).decoded(TokenList).tokens

    def disable(self, token_id: str, *, tenant: str | None = None) -> Token:
        """Let a token in no more, as soon as no server remembers it (TOKEN_CACHE_SEC). Raises `NotFound`."""
        return self._switch(token_id, "disable", tenant)

    def enable(self, token_id: str, *, tenant: str | None = None) -> Token:
        """Let it in again, after the same time. Raises `NotFound`."""
        return self._switch(token_id, "enable", tenant)

    def _switch(self, token_id: str, what: str, tenant: str | None) -> Token:
        path = f"{_TOKENS}/{quote(token_id, safe='')}/{what}"
        return self._transport.request("POST", path, query=_of(tenant)).decoded(Token)


def _of(tenant: str | None) -> dict[str, str]:
    return {} if tenant is None else {"tenant": tenant}
