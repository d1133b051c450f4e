"""What every token store promises."""

import msgspec

from common.ports.token_store import ALL_SCOPES, Scope, TokenRecord, TokenStore, hash_of


def token(
    token_id: str,
    tenant: str = "acme",
    *,
    user_id: str = "",
    created_at_ms: int = 1000,
    scopes: frozenset[Scope] = ALL_SCOPES,
) -> TokenRecord:
    return TokenRecord(
        token_id=token_id,
        token_hash=hash_of(f"{tenant} {token_id}"),
        tenant=tenant,
        scopes=scopes,
        enabled=True,
        created_at_ms=created_at_ms,
        label="Grüße, \x00 '; DROP TABLE",
        user_id=user_id,
    )


def test_a_token_is_found_by_its_hash_and_by_its_id(tokens: TokenStore) -> None:
    stored = token("one", user_id="u1", scopes=frozenset({Scope.READ, Scope.INGEST}))
    tokens.put(stored)
    assert tokens.by_hash(stored.token_hash) == stored
    assert tokens.by_id("acme", "one") == stored


def test_what_is_not_there_is_not_found(tokens: TokenStore) -> None:
    assert tokens.by_hash(hash_of("")) is None
    assert tokens.by_id("acme", "one") is None
    assert tokens.of_tenant("acme") == []
    assert tokens.of_user("acme", "u1") == []


def test_a_token_of_the_same_hash_is_replaced(tokens: TokenStore) -> None:
    first = token("one")
    tokens.put(first)
    second = msgspec.structs.replace(first, enabled=False, scopes=frozenset({Scope.READ}), label="")
    tokens.put(second)
    assert tokens.by_hash(first.token_hash) == second
    assert tokens.of_tenant("acme") == [second]


def test_one_that_moved_is_found_where_it_is_now_alone(tokens: TokenStore) -> None:
    first = token("one", user_id="u1")
    tokens.put(first)
    second = msgspec.structs.replace(first, tenant="other", token_id="two", user_id="u2")
    tokens.put(second)
    assert (tokens.by_id("acme", "one"), tokens.of_tenant("acme"), tokens.of_user("acme", "u1")) == (None, [], [])
    assert tokens.by_id("other", "two") == second
    assert tokens.of_user("other", "u2") == [second]


def test_tokens_come_in_the_order_in_which_they_were_created(tokens: TokenStore) -> None:
    for token_id, created_at_ms in (("d", 2000), ("b", 3000), ("c", 1000), ("a", 3000)):
        tokens.put(token(token_id, user_id="u1" if token_id in "abc" else "", created_at_ms=created_at_ms))
    assert [each.token_id for each in tokens.of_tenant("acme")] == ["c", "d", "a", "b"]
    assert [each.token_id for each in tokens.of_user("acme", "u1")] == ["c", "a", "b"]


def test_tenants_and_their_users_are_apart(tokens: TokenStore) -> None:
    for tenant in ("acme", "acme-b", "acme.b", "ac"):
        for user_id in ("u1", "b", ""):
            tokens.put(token(f"of-{user_id}", tenant, user_id=user_id))
    assert [each.tenant for each in tokens.of_tenant("acme")] == ["acme"] * 3
    assert [(each.tenant, each.user_id) for each in tokens.of_user("acme", "u1")] == [("acme", "u1")]
    assert [(each.tenant, each.user_id) for each in tokens.of_user("acme", "")] == [("acme", "")]
    assert tokens.by_id("ac", "of-b") == token("of-b", "ac", user_id="b")
    assert tokens.by_id("other", "of-b") is None


def test_a_store_that_works_is_ready(tokens: TokenStore) -> None:
    tokens.check()  # raises where it is not
    assert tokens.of_tenant("acme") == [], "asking leaves nothing behind"
