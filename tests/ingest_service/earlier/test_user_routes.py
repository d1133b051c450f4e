import pytest
from werkzeug.test import TestResponse

from common.events import ChunkStored
from common.ports.token_store import Scope, TokenRecord, hash_of
from tests.ingest_service.fakes import AUTHORIZED, NOW_MS, TOKEN, Ingest, problem

USERS_TOKEN = "0123456789abcdef-alice"
CHECK = "/api/v1/extension/check-token"


def add(ingest: Ingest, **members: object) -> TestResponse:
    body = {"token": USERS_TOKEN, "user_id": "alice", "enable_status": True} | members
    return ingest.client.post("/api/v1/users/add-token", json=body, headers=AUTHORIZED)


def set_status(ingest: Ingest, *entries: dict[str, object]) -> TestResponse:
    return ingest.client.post("/api/v1/users/set-status", json=list(entries), headers=AUTHORIZED)


def is_valid(ingest: Ingest, token: str = USERS_TOKEN) -> bool:
    ingest.restart()  # another process, which remembers nothing
    answer = ingest.client.get(CHECK, headers={"Authorization": f"Bearer {token}"}).get_json()
    return bool(answer["is_valid"])


def test_a_users_token_lets_it_send_for_the_installations_own_tenant(ingest: Ingest) -> None:
    assert not is_valid(ingest)
    assert add(ingest).status_code == 200
    assert is_valid(ingest)
    query = "i=0&connection_id=c1&meeting_id=m1"
    headers = {"Authorization": f"Bearer {USERS_TOKEN}"}
    assert ingest.client.put(f"/api/v1/extension/audio?{query}", data=b"x", headers=headers).status_code == 200
    (event,) = ingest.events
    assert isinstance(event, ChunkStored)
    assert (event.tenant, event.options.user_id) == ("default", "alice")
    assert all(USERS_TOKEN not in str(record) for record in ingest.token_store.of_tenant("default"))


def test_users_are_let_in_and_no_more(ingest: Ingest) -> None:
    add(ingest)
    add(ingest, token="0123456789abcdef-bob", user_id=7)
    assert (
        set_status(
            ingest, {"user_id": "alice", "enable_status": False}, {"user_id": "x", "enable_status": True}
        ).status_code
        == 200
    )
    assert (is_valid(ingest), is_valid(ingest, "0123456789abcdef-bob")) == (False, True)
    set_status(ingest, {"user_id": "alice", "enable_status": True}, {"user_id": 7, "enable_status": False})
    assert (is_valid(ingest), is_valid(ingest, "0123456789abcdef-bob")) == (True, False)


def test_the_same_token_again_replaces_what_was_said(ingest: Ingest) -> None:
    add(ingest)
    ingest.clock.ms += 1_000
    add(ingest, user_id="bob", enable_status=False)
    (record,) = ingest.token_store.of_tenant("default")
    assert (record.user_id, record.enabled, record.created_at_ms) == ("bob", False, NOW_MS)


def test_nobody_takes_another_tenants_token(ingest: Ingest) -> None:
    theirs = TokenRecord(
        token_id="t",
        token_hash=hash_of(USERS_TOKEN),
        tenant="acme",
        scopes=frozenset(Scope),
        enabled=True,
        created_at_ms=1,
    )
    ingest.token_store.put(theirs)
    assert problem(add(ingest))[:2] == (409, "token-taken")
    assert ingest.token_store.by_hash(theirs.token_hash) == theirs


@pytest.mark.parametrize("path", ["add-token", "set-status"])
@pytest.mark.parametrize(("scopes", "status"), [({Scope.ADMIN}, 403), ({Scope.INGEST}, 403), (set[Scope](), 403)])
def test_only_the_service_token_manages_users(ingest: Ingest, path: str, scopes: set[Scope], status: int) -> None:
    record = TokenRecord(
        token_id="t",
        token_hash=hash_of("admins"),
        tenant="default",
        scopes=frozenset(scopes),
        enabled=True,
        created_at_ms=1,
    )
    ingest.token_store.put(record)
    answer = ingest.client.post(f"/api/v1/users/{path}", json=[], headers={"Authorization": "Bearer admins"})
    assert answer.status_code == status
    assert ingest.client.post(f"/api/v1/users/{path}", json=[]).status_code == 401


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"token": "short"}, "token"),
        ({"token": "x" * 600}, "token"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": None}, "user_id"),
        ({"enable_status": "yes"}, "enable_status"),
    ],
)
def test_bad_input_is_named(ingest: Ingest, members: dict[str, object], named: str) -> None:
    status, kind, detail = problem(add(ingest, **members))
    assert (status, kind) == (400, "invalid-body")
    assert named in detail
    assert TOKEN not in detail
    assert problem(set_status(ingest, {"user_id": "a"}))[1] == "invalid-body"
    assert ingest.token_store.of_tenant("default") == []
