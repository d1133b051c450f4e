"""Whoever is not Pub/Sub or the scheduler, at the doors that are theirs: over HTTP, against gunicorn with PUSH_AUTH=oidc and against the runner."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import pytest

from tests.common.issuer import ACCOUNT, AUDIENCE, CertificateServer, SigningKey, encoded
from tests.hostile.choice import Choice
from tests.hostile.conftest import PUSH_TOKEN, Runner
from tests.hostile.raw import Answer, asked
from tests.ingest_service.websocket.ingest_process import TOKEN, IngestProcess

pytestmark = pytest.mark.timeout(180)
KEY, STRANGER = SigningKey("key-1"), SigningKey("key-1")
PUSH = json.dumps(
    {"message": {"data": base64.b64encode(b"{}").decode(), "messageId": "1"}, "subscription": "s"}
).encode()


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestProcess]:
    with CertificateServer(KEY) as issuer:
        own = {
            "PUSH_AUTH": "oidc",
            "PUSH_AUDIENCE": AUDIENCE,
            "PUSH_SERVICE_ACCOUNTS": ACCOUNT,
            "OIDC_CERTS_URL": issuer.url,
        }
        with IngestProcess(tmp_path_factory.mktemp("data"), **own) as running:
            yield running


def pushed(ingest: IngestProcess, *lines: str, query: str = "") -> Answer:
    return asked(
        ingest.address, "POST", f"/push/audio-uploads{query}", "Content-Type: application/json", *lines, body=PUSH
    )


def with_header(**header: object) -> str:
    return KEY.token(header={"alg": "RS256", "kid": "key-1", "typ": "JWT"} | header)


def shared_secret(alg: str, secret: str) -> str:
    signed = KEY.token(header={"alg": alg, "kid": "key-1"}).rpartition(".")[0]
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))}"


FORGED = {
    "alg none": with_header(alg="none").rpartition(".")[0] + ".",
    "alg None": with_header(alg="None"),
    "alg nOnE and no signature": with_header(alg="nOnE").rpartition(".")[0] + ".",
    "HS256 with the certificate": shared_secret("HS256", KEY.certificate),
    "HS256 with nothing": shared_secret("HS256", ""),
    "PS256": with_header(alg="PS256"),
    "ES256": with_header(alg="ES256"),
    "alg a list": with_header(alg=["RS256"]),
    "no kid": KEY.token(header={"alg": "RS256"}),
    "kid of a path": with_header(kid="../../../../dev/null"),
    "kid of a URL": with_header(kid="http://127.0.0.1/certs"),
    "kid of SQL": with_header(kid="' or 1=1 --"),
    "kid an object": with_header(kid={"key-1": 1}),
    "a key of its own": STRANGER.token(
        header={"alg": "RS256", "kid": "key-1", "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}
    ),
    "keys elsewhere": STRANGER.token(
        header={"alg": "RS256", "kid": "key-1", "jku": "http://127.0.0.1/", "x5u": "http://127.0.0.1/"}
    ),
    "a certificate of its own": STRANGER.token(header={"alg": "RS256", "kid": "key-1", "x5c": [STRANGER.certificate]}),
    "somebody else's signature": STRANGER.token(),
    "signature removed": KEY.token().rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE",
    "signature removed, and claims changed": STRANGER.token(email=ACCOUNT).rpartition(".")[0]
    + ".SIGNATURE_REMOVED_BY_GOOGLE",
    "issuer like the right one": KEY.token(iss="https://accounts.google.com.evil.example"),
    "audience of another service": KEY.token(aud="https://ingest.example"),
    "audience in a list": KEY.token(aud=[AUDIENCE]),
    "another account": KEY.token(email=f"{ACCOUNT}.evil.example"),
    "unverified": KEY.token(email_verified=False),
    "verified as text": KEY.token(email_verified="true"),
    "expired": KEY.token(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600),
    "not yet": KEY.token(iat=int(time.time()) + 3600, exp=int(time.time()) + 7200),
    "huge": "a." + "b" * 7_000 + ".c",
    "dots": "." * 7_000,
    "deep": f"{encoded(b'[' * 3_000)}.{encoded({})}.x",
    "the uploader's token": TOKEN,
    "nothing": "",
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_token_pushes_nothing(ingest: IngestProcess, what: str) -> None:
    assert pushed(ingest, f"Authorization: Bearer {FORGED[what]}").status == 401


def test_a_good_token_is_good_in_one_place_alone(ingest: IngestProcess) -> None:
    good = KEY.token()
    assert pushed(ingest, f"Authorization: Bearer {good}").status == 204
    assert pushed(ingest, query=f"?token={good}").status == 401
    assert pushed(ingest, f"X-Serverless-Authorization: Bearer {good}").status == 401
    assert pushed(ingest, f"Proxy-Authorization: Bearer {good}", f"Cookie: Authorization=Bearer {good}").status == 401
    assert pushed(ingest, f"Authorization: Basic {good}").status == 401
    assert pushed(ingest, "Authorization: Bearer x", f"Authorization: Bearer {good}").status in {400, 401}
    assert pushed(ingest, f"Authorization: Bearer {good}", "Authorization: Bearer x").status in {400, 401}
    assert asked(ingest.address, "GET", "/v1/streams/x", f"Authorization: Bearer {good}").status == 401
    lines = [line["reason"] for line in ingest.log_lines("token_refused")]
    assert lines
    assert not any(good in line for line in map(str, ingest.log_lines("token_refused")))


INTERNAL = [
    ("POST", "/internal/ingest/push/audio-uploads"),
    ("POST", "/internal/segmenter/push/stream-events"),
    ("POST", "/internal/segmenter/push/dead-letters"),
    ("POST", "/internal/transcribe/push/segments"),
    ("POST", "/internal/transcribe/push/deliveries"),
    ("POST", "/internal/segmenter/sweep"),
    ("POST", "/internal/transcribe/sweep"),
    ("POST", "/push/segments"),
    ("POST", "/sweep"),
    ("GET", "/internal/stats"),
]
DETOURS = [
    "//internal/segmenter/sweep",
    "/internal//segmenter/sweep",
    "/internal/segmenter/../segmenter/sweep",
    "/INTERNAL/segmenter/sweep",
    "/v1/../internal/segmenter/sweep",
    "/internal%2fsegmenter/sweep",
    "/internal/segmenter/sweep/",
    "/internal/segmenter/sweep;x",
    "/v1/streams/../../sweep",
]


@pytest.mark.parametrize(("method", "path"), INTERNAL)
def test_nobody_without_its_secret_gets_in_at_an_inner_door(
    runner: Runner, choice: Choice, method: str, path: str
) -> None:
    wrong = [
        "Bearer",
        "Bearer ",
        f"Bearer {PUSH_TOKEN[:-1]}",
        f"Bearer {PUSH_TOKEN}x",
        f"Basic {PUSH_TOKEN}",
        f"bearer  {PUSH_TOKEN}",
        f"Bearer {PUSH_TOKEN.upper()}",
        "Bearer é",
    ]
    tenants = [f"Bearer {runner.tokens['attacker']}"] if path != "/internal/stats" else []
    for each in (*choice.of(wrong, INTERNAL.index((method, path)), 3), *tenants):
        answer = asked(runner.address, method, path, f"Authorization: {each}", body=PUSH if method == "POST" else b"")
        assert answer.status == 401, (each, answer)
    assert (
        asked(runner.address, method, f"{path}?token={PUSH_TOKEN}", body=PUSH if method == "POST" else b"").status
        == 401
    )
    assert asked(runner.address, method, path, "X-HTTP-Method-Override: GET", "X-Original-URL: /health").status in {
        401,
        405,
    }


def test_the_tenants_of_a_runner_are_told_nothing_of_it(runner: Runner) -> None:
    assert runner.asked("GET", "/internal/stats", tenant="attacker").status in {401, 403}


@pytest.mark.parametrize("path", DETOURS)
def test_no_detour_leads_past_an_inner_door(runner: Runner, path: str) -> None:
    assert asked(runner.address, "POST", path, runner.bearer("attacker")).status in {400, 401, 404, 405}


def test_health_tells_no_secrets(runner: Runner) -> None:
    for service in ("", "/internal", "/internal/ingest", "/internal/segmenter"):
        for route in ("", "/ready", "/version"):
            answer = asked(runner.address, "GET", f"{service}/health{route}")
            said = answer.body.decode()
            assert answer.status == 200
            assert set(answer.json) <= {"status", "service", "components", "version", "revision"}
            assert not any(
                secret in said for secret in (PUSH_TOKEN, *runner.tokens.values(), str(runner.server.log_path.parent))
            )
