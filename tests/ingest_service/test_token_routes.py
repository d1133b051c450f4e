"""Tokens over HTTP: shown once, kept as hashes, managed by whoever may."""

import json
import re

import pytest
from werkzeug.test import TestResponse

from common.errors import Retryable
from common.ports.token_store import Scope, hash_of
from common.settings import Secret
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import NOW_MS, TOKEN, Ingest, problem

CACHE_S = 30


@pytest.fixture
def ingest() -> Ingest:
    return Ingest()


def ask(ingest: Ingest, method: str, path: str = "", body: object = None, token: str = TOKEN) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return ingest.client.open(f"/v1/tokens{path}", method=method, json=body, headers=headers)


def make(ingest: Ingest, scopes: list[str], *, by: str = TOKEN, **said: object) -> str:
    answer = ask(ingest, "POST", body={"scopes": scopes, **said}, token=by)
    assert answer.status_code == 201, answer.text
    token: str = answer.get_json()["token"]
    return token


def id_of(token: str) -> str:
    return token.split("_")[1]


def test_a_token_is_told_once_and_only_its_hash_is_kept(ingest: Ingest) -> None:
    said = {"scopes": ["read", "ingest"], "label": "Büro 3", "user_id": "u1", "tenant": "acme"}
    answer = ask(ingest, "POST", body=said)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.get_json()
    token = made.pop("token")
    assert re.fullmatch(r"ts_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", token)
    assert made == {
        "id": id_of(token),
        "tenant": "acme",
        "label": "Büro 3",
        "scopes": ["ingest", "read"],
        "user_id": "u1",
        "enabled": True,
        "created_at": "2023-11-14T22:13:20.000Z",
    }
    (record,) = ingest.token_store.records.values()
    assert record.token_hash == hash_of(token)
    assert record.created_at_ms == NOW_MS
    secret = token.split("_", 2)[2]
    listed = ask(ingest, "GET", "?tenant=acme")
    assert listed.get_json() == {"tokens": [made]}
    for text in (listed.text, repr(record)):
        assert secret not in text
    assert record.token_hash not in listed.text


def test_two_tokens_are_never_the_same(ingest: Ingest) -> None:
    assert len({make(ingest, ["read"]) for _ in range(20)} | {id_of(make(ingest, ["read"])) for _ in range(20)}) == 40


def test_a_new_token_uploads_for_its_tenant_and_its_user(ingest: Ingest) -> None:
    token = make(ingest, ["ingest"], tenant="acme", user_id="u1")
    path = "/v1/streams/c1/chunks/0?meeting_id=m1"
    headers = {"Authorization": f"Bearer {token}"}
    webm = b"\x1aE\xdf\xa3 and so on"
    assert ingest.client.put(path, data=webm, headers=headers, content_type="audio/webm").status_code == 201
    (event,) = ingest.events
    assert (event.tenant, event.options.user_id) == ("acme", "u1")  # type: ignore[attr-defined]  # a ChunkStored
    assert ask(ingest, "GET", token=token).status_code == 403
    assert ingest.status().status_code == 404, "the operator's own tenant has no such stream"


def test_disabled_it_is_refused_after_the_time_that_answers_count_and_enabled_it_is_let_in_again(
    ingest: Ingest,
) -> None:
    token = make(ingest, ["admin"])
    assert ask(ingest, "GET", token=token).status_code == 200
    disabled = ask(ingest, "POST", f"/{id_of(token)}/disable")
    assert (disabled.status_code, disabled.get_json()["enabled"]) == (200, False)
    ingest.clock.ms += CACHE_S * 1000
    assert problem(ask(ingest, "GET", token=token))[:2] == (401, "unauthorized")
    assert [each["enabled"] for each in ask(ingest, "GET").get_json()["tokens"]] == [False]
    enabled = ask(ingest, "POST", f"/{id_of(token)}/enable")
    assert (enabled.status_code, enabled.get_json()["enabled"]) == (200, True)
    ingest.clock.ms += CACHE_S * 1000
    assert ask(ingest, "GET", token=token).status_code == 200


def test_the_list_is_in_the_order_of_creation(ingest: Ingest) -> None:
    tokens = []
    for _ in range(3):
        tokens.append(id_of(make(ingest, ["read"])))
        ingest.clock.ms += 1
    assert [each["id"] for each in ask(ingest, "GET").get_json()["tokens"]] == tokens


def test_an_admin_manages_its_own_tenant_alone(ingest: Ingest) -> None:
    admin = make(ingest, ["ingest", "read", "admin"], tenant="acme")
    own = make(ingest, ["ingest"], by=admin, tenant="acme")
    others = make(ingest, ["ingest"], tenant="other")
    assert [each["id"] for each in ask(ingest, "GET", token=admin).get_json()["tokens"]] == sorted(
        map(id_of, (admin, own))
    )
    before = dict(ingest.token_store.records)
    for method, path, body in (
        ("POST", "", {"scopes": ["read"], "tenant": "other"}),
        ("POST", "", {"scopes": ["read"], "tenant": "no such name"}),
        ("GET", "?tenant=other", None),
        ("POST", f"/{id_of(others)}/disable?tenant=other", None),
        ("POST", f"/{id_of(others)}/enable?tenant=other", None),
    ):
        answer = ask(ingest, method, path, body, token=admin)
        assert problem(answer)[:2] == (403, "forbidden")
        assert "own tenant" in problem(answer)[2]
    for what in ("disable", "enable"):
        answer = ask(ingest, "POST", f"/{id_of(others)}/{what}", token=admin)
        assert problem(answer)[:2] == (404, "unknown-token")
    assert ingest.token_store.records == before


def test_the_operator_manages_every_tenant(ingest: Ingest) -> None:
    token = make(ingest, ["read"], tenant="acme")
    assert ask(ingest, "GET").get_json() == {"tokens": []}
    assert ask(ingest, "POST", f"/{id_of(token)}/disable").status_code == 404
    assert ask(ingest, "POST", f"/{id_of(token)}/disable?tenant=acme").get_json()["enabled"] is False


def test_nobody_gives_what_they_lack(ingest: Ingest) -> None:
    admin = make(ingest, ["admin", "read"], tenant="acme")
    answer = ask(ingest, "POST", body={"scopes": ["ingest", "read", "admin"]}, token=admin)
    assert problem(answer)[:2] == (403, "forbidden")
    assert answer.get_json(force=True)["scopes"] == ["ingest"]
    make(ingest, ["read", "admin"], by=admin)


@pytest.mark.parametrize("scopes", [["ingest"], ["read"], ["ingest", "read"]])
def test_managing_tokens_needs_the_scope_admin(ingest: Ingest, scopes: list[str]) -> None:
    token = make(ingest, scopes)
    for method, path in (("POST", ""), ("GET", ""), ("POST", "/x/disable"), ("POST", "/x/enable")):
        answer = ask(ingest, method, path, {"scopes": ["read"]} if not path else None, token=token)
        assert problem(answer)[:2] == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "kind", "named"),
    [
        (b"", "invalid-body", ""),
        (b"{}", "invalid-body", "scopes"),
        (b'{"scopes": []}', "invalid-body", "scopes"),
        (b'{"scopes": ["write"]}', "invalid-body", "scopes"),
        (b'{"scopes": ["read"], "lable": "x"}', "invalid-body", "lable"),
        (b'{"scopes": ["read"], "label": 1}', "invalid-body", "label"),
        (json.dumps({"scopes": ["read"], "label": "x" * 201}).encode(), "invalid-body", "label"),
        (json.dumps({"scopes": ["read"], "label": "a\nb"}).encode(), "invalid-body", "label"),
        (b'{"scopes": ["read"], "tenant": ""}', "invalid-id", "tenant"),
        (b'{"scopes": ["read"], "tenant": "a/b"}', "invalid-id", "tenant"),
        (b'{"scopes": ["read"], "user_id": "a b"}', "invalid-id", "user_id"),
        (b"[" * 1000, "json-too-deep", ""),
        (b"\xff", "invalid-body", ""),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(ingest: Ingest, body: bytes, kind: str, named: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    status, said, detail = problem(ingest.client.post("/v1/tokens", data=body, headers=headers))
    assert (status, said) == (400, kind)
    assert named in detail
    assert ingest.token_store.records == {}


@pytest.mark.parametrize("query", ["?tenat=acme", "?tenant=a&tenant=b", "?tenant=a/b"])
def test_a_bad_query_is_named(ingest: Ingest, query: str) -> None:
    assert problem(ask(ingest, "GET", query))[0] == 400


def test_a_body_without_end_is_refused(ingest: Ingest) -> None:
    assert problem(ask(ingest, "POST", body={"scopes": ["read"], "label": "x" * 20_000}))[0] == 413


def test_a_token_that_nobody_has_is_not_found(ingest: Ingest) -> None:
    assert problem(ask(ingest, "POST", "/0000/disable"))[:2] == (404, "unknown-token")


def test_while_the_store_is_down_nothing_is_promised_and_nobody_is_refused(ingest: Ingest) -> None:
    token = make(ingest, ["ingest", "admin"])
    down = Retryable("the store is down", reason="store_down")
    ingest.token_store.faults.before = [down] * 3
    stranger = ask(ingest, "GET", token=token)
    assert problem(stranger)[:2] == (503, "unavailable")
    assert stranger.headers["Retry-After"] == "1"
    assert problem(ask(ingest, "POST", body={"scopes": ["read"]}))[0] == 503
    assert problem(ask(ingest, "GET"))[0] == 503
    assert ask(ingest, "GET", token=token).status_code == 200


def test_no_token_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    ingest = Ingest(IngestSettings(api_token=Secret(TOKEN), log_level="DEBUG"))
    token = make(ingest, [scope.value for scope in Scope])
    ask(ingest, "GET", f"?token={token}", token=token)
    said = capsys.readouterr()
    assert token not in said.out + said.err
