import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from common.clock import SystemClock
from common.errors import Retryable
from common.events import ChunkStored
from common.health import Drain
from common.oidc import OidcAuth
from common.oidc_certificates import AFTER_FAILURE_S, AGAIN_S, NOT_BEFORE_S, Certificates
from common.push import push_blueprint
from common.sweep_route import sweep_blueprint
from common.web import base_app
from tests.clocks import FakeClock
from tests.common.issuer import ACCOUNT, AUDIENCE, CertificateServer, SigningKey, encoded

KEY, OTHER_KEY = SigningKey("key-1"), SigningKey("key-1")
"""The second has the first one's id: somebody else who pretends."""
HOUR = 3600


@pytest.fixture
def server() -> Iterator[CertificateServer]:
    with CertificateServer(KEY) as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def certificates(server: CertificateServer, clock: FakeClock) -> Iterator[Certificates]:
    with closing(Certificates(server.url, clock)) as kept:
        yield kept


@pytest.fixture
def client(certificates: Certificates) -> FlaskClient:
    auth = OidcAuth(
        AUDIENCE, frozenset({ACCOUNT, "scheduler@a-project.iam.gserviceaccount.com"}), certificates, SystemClock()
    )
    app: Flask = base_app("pushed", {}, Drain())
    app.register_blueprint(push_blueprint({ChunkStored: lambda _event: None}, lambda _body, _error: None, auth))
    app.register_blueprint(sweep_blueprint(lambda: None, auth))  # type: ignore[arg-type,return-value]
    return app.test_client()


def pushed(client: FlaskClient, authorization: str | None, path: str = "/push/segmenter") -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.post(path, data=b"{}", headers=headers).status_code


def with_token(client: FlaskClient, token: str) -> int:
    status = pushed(client, f"Bearer {token}")
    # What is no event is quarantined and acknowledged, once it is known who sent it.
    assert (pushed(client, f"Bearer {token}", "/sweep") == 200) == (status == 204)
    return status


def hmac_signed_with_the_certificate() -> str:
    header, claims, _ = KEY.token(header={"alg": "HS256", "kid": "key-1"}).split(".")
    signature = hmac.digest(KEY.certificate.encode(), f"{header}.{claims}".encode(), hashlib.sha256)
    return f"{header}.{claims}.{encoded(signature)}"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_right_token_may_push_and_sweep(client: FlaskClient, scheme: str) -> None:
    assert pushed(client, f"{scheme} {KEY.token()}") == 204
    assert with_token(client, KEY.token(email="scheduler@a-project.iam.gserviceaccount.com")) == 204
    assert with_token(client, KEY.token(iss="accounts.google.com")) == 204


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - HOUR, "iat": int(time.time()) - 2 * HOUR},
        {"iat": int(time.time()) + HOUR, "exp": int(time.time()) + 2 * HOUR},
        {"exp": None},
        {"iat": None},
        {"exp": "soon"},
        {"aud": "https://transcribe.example"},
        {"aud": f"{AUDIENCE}/"},
        {"aud": [AUDIENCE, "https://transcribe.example"]},
        {"aud": None},
        {"email": "somebody@a-project.iam.gserviceaccount.com"},
        {"email": ACCOUNT.upper()},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"iss": "https://accounts.example"},
        {"iss": None},
    ],
)
def test_a_token_that_claims_anything_else_is_refused(client: FlaskClient, claims: dict[str, object]) -> None:
    assert with_token(client, KEY.token(**claims)) == 401


@pytest.mark.parametrize(
    "token",
    [
        OTHER_KEY.token(),
        KEY.token()[:-4] + "AAAA",
        KEY.token().rpartition(".")[0] + ".",
        KEY.token(header={"alg": "none", "kid": "key-1"}).rpartition(".")[0] + ".",
        KEY.token(header={"alg": "RS256"}),
        KEY.token(header={"alg": "RS256", "kid": 7}),
        KEY.token(header={"alg": "RS384", "kid": "key-1"}),
        hmac_signed_with_the_certificate(),
        "garbage",
        "a.b",
        "a.b.c",
        "....",
        f"{encoded([])}.{encoded({})}.{encoded(b'x')}",
        f"{encoded(b'no json')}.{encoded({})}.{encoded(b'x')}",
        f"{encoded(b'[' * 4_000)}.{encoded({})}.{encoded(b'x')}",
        f"{encoded({'alg': 'RS256', 'kid': 'key-1'})}.{encoded(b'[' * 4_000)}.{encoded(b'x')}",
        KEY.token().rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE",
        "é" * 20,
        "x" * 100_000,
    ],
)
def test_a_token_that_the_issuer_did_not_sign_is_refused(client: FlaskClient, token: str) -> None:
    assert with_token(client, token.encode().decode("latin-1")) == 401


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", f"Basic {KEY.token()}", KEY.token()])
def test_a_push_without_a_token_is_refused(client: FlaskClient, authorization: str | None) -> None:
    assert pushed(client, authorization) == 401


def test_nobody_is_let_in_or_turned_away_while_there_are_no_certificates(
    client: FlaskClient, server: CertificateServer, clock: FakeClock
) -> None:
    server.status = 503
    assert pushed(client, f"Bearer {KEY.token()}") == 503
    assert pushed(client, f"Bearer {KEY.token()}", "/sweep") == 503
    server.status = 200
    clock.sleep(AGAIN_S)
    assert pushed(client, f"Bearer {KEY.token()}") == 204


def test_certificates_are_kept_as_long_as_their_issuer_says(
    certificates: Certificates, server: CertificateServer, clock: FakeClock
) -> None:
    for _ in range(3):
        assert certificates.having("key-1") == {"key-1": KEY.certificate}
    assert server.requests == 1
    clock.sleep(20_001)
    certificates.having("key-1")
    assert server.requests == 2


@pytest.mark.parametrize(
    ("cache_control", "kept_s"), [("no-store", 300), ("max-age=1", 300), ("max-age=999999999", 86_400)]
)
def test_what_the_issuer_says_has_bounds(
    certificates: Certificates, server: CertificateServer, clock: FakeClock, cache_control: str, kept_s: int
) -> None:
    server.cache_control = cache_control
    certificates.having("key-1")
    clock.sleep(kept_s - 1)
    certificates.having("key-1")
    assert server.requests == 1
    clock.sleep(2)
    certificates.having("key-1")
    assert server.requests == 2


def test_a_new_key_is_asked_for_once_in_a_while(
    certificates: Certificates, server: CertificateServer, clock: FakeClock
) -> None:
    certificates.having("key-1")
    rotated = SigningKey("key-2")
    server.keys = [KEY, rotated]
    assert "key-2" not in certificates.having("key-2"), "asked a moment ago"
    clock.sleep(NOT_BEFORE_S)
    assert certificates.having("key-2")["key-2"] == rotated.certificate
    for number in range(100):
        certificates.having(f"made up {number}")
    assert server.requests == 2


def test_old_certificates_serve_while_new_ones_cannot_be_had_but_not_for_ever(
    certificates: Certificates, server: CertificateServer, clock: FakeClock
) -> None:
    certificates.having("key-1")
    server.status = 500
    clock.sleep(20_001)
    assert "key-1" in certificates.having("key-1")
    clock.sleep(AFTER_FAILURE_S)
    with pytest.raises(Retryable):
        certificates.having("key-1")


def test_many_threads_fetch_once(certificates: Certificates, server: CertificateServer) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: certificates.having("key-1"), range(64)))
    assert server.requests == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"<html>",
        b'{"key-1": "\xff"}',
        b'{"key-1": "no certificate"}',
        b'{"error": "try again later"}',
        b'{"keys": [{"kid": "key-1"}]}',
        b"[" * 100_000,
    ],
)
def test_what_answers_but_is_no_list_of_certificates_is_a_passing_fault(
    client: FlaskClient, server: CertificateServer, clock: FakeClock, body: bytes
) -> None:
    server.body = body
    assert pushed(client, f"Bearer {KEY.token()}") == 503
    server.body = None
    clock.sleep(AGAIN_S)
    assert pushed(client, f"Bearer {KEY.token()}") == 204
    server.body = body
    clock.sleep(20_001)
    assert pushed(client, f"Bearer {KEY.token()}") == 204, "the old ones serve"


def test_one_entry_that_is_no_certificate_does_not_spoil_the_others(
    client: FlaskClient, server: CertificateServer
) -> None:
    server.body = json.dumps({"key-0": "no certificate", "key-1": KEY.certificate}).encode()
    assert pushed(client, f"Bearer {KEY.token()}") == 204


def test_a_rotated_key_is_neither_known_nor_refused_while_it_cannot_be_asked_for(
    client: FlaskClient, server: CertificateServer, clock: FakeClock
) -> None:
    assert pushed(client, f"Bearer {KEY.token()}") == 204
    rotated = SigningKey("key-2")
    server.keys, server.status = [KEY, rotated], 500
    clock.sleep(NOT_BEFORE_S)
    for _ in range(3):
        assert pushed(client, f"Bearer {rotated.token()}") == 503
    assert pushed(client, f"Bearer {KEY.token()}") == 204
    assert server.requests == 2
    server.status = 200
    clock.sleep(NOT_BEFORE_S)
    assert pushed(client, f"Bearer {rotated.token()}") == 204


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (KEY.token(exp=int(time.time()) - HOUR), "expired"),
        (KEY.token(iat=int(time.time()) + HOUR), "not_yet_valid"),
        (KEY.token(exp=None), "claims"),
        (KEY.token(aud="https://transcribe.example"), "audience"),
        (KEY.token(email="somebody@a-project.iam.gserviceaccount.com"), "account"),
        (KEY.token(email_verified=False), "unverified_email"),
        (KEY.token(iss="https://accounts.example"), "issuer"),
        (OTHER_KEY.token(), "signature"),
        (KEY.token().rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE", "signature_removed"),
        (hmac_signed_with_the_certificate(), "algorithm"),
        (SigningKey("key-9").token(), "unknown_key"),
        ("a.b.c", "garbage"),
        ("", "no_token"),
    ],
)
def test_the_log_says_why_but_not_what_was_sent(client: FlaskClient, token: str, reason: str) -> None:
    with capture_logs() as lines:
        assert pushed(client, f"Bearer {token}") == 401
    assert [line["reason"] for line in lines if line["event"] == "token_refused"] == [reason]
    logged = repr(lines)
    assert not any(part in logged for part in token.split(".") if len(part) > 5)
    assert "@" not in logged


def as_cloud_run_passes_on(token: str) -> str:
    return token.rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"


@pytest.fixture
def behind_cloud_run(certificates: Certificates) -> FlaskClient:
    """A service that not everybody may invoke: Cloud Run has checked the signature."""
    auth = OidcAuth(AUDIENCE, frozenset({ACCOUNT}), certificates, SystemClock(), cloud_run_checks_signatures=True)
    app: Flask = base_app("pushed", {}, Drain())
    app.register_blueprint(push_blueprint({ChunkStored: lambda _event: None}, lambda _body, _error: None, auth))
    return app.test_client()


def test_a_token_that_cloud_run_has_checked_is_good_where_cloud_run_checks(
    behind_cloud_run: FlaskClient, client: FlaskClient, server: CertificateServer
) -> None:
    token = as_cloud_run_passes_on(KEY.token())
    assert pushed(behind_cloud_run, f"Bearer {token}") == 204
    assert pushed(behind_cloud_run, f"Bearer {KEY.token()}") == 204
    assert pushed(client, f"Bearer {token}") == 401, "here anybody could have written it"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - HOUR, "iat": int(time.time()) - 2 * HOUR},
        {"iat": int(time.time()) + HOUR, "exp": int(time.time()) + 2 * HOUR},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"aud": "https://transcribe.example"},
        {"email": "somebody@a-project.iam.gserviceaccount.com"},
        {"email_verified": False},
        {"iss": "https://accounts.example"},
    ],
)
def test_what_it_claims_is_checked_all_the_same(behind_cloud_run: FlaskClient, claims: dict[str, object]) -> None:
    assert pushed(behind_cloud_run, f"Bearer {as_cloud_run_passes_on(KEY.token(**claims))}") == 401


@pytest.mark.parametrize(
    "token", ["a.b.SIGNATURE_REMOVED_BY_GOOGLE", ".SIGNATURE_REMOVED_BY_GOOGLE", OTHER_KEY.token()]
)
def test_anything_else_is_refused_there_too(behind_cloud_run: FlaskClient, token: str) -> None:
    assert pushed(behind_cloud_run, f"Bearer {token}") == 401
