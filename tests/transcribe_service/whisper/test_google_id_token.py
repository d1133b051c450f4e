"""Identity tokens from a service account's key file: Google's library, and a token server of the test's own."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from common.errors import Retryable
from tests.transcribe_service.whisper.caller import Caller
from tests.transcribe_service.whisper.whisper_server import ScriptedWhisper
from transcribe_service.whisper.google_id_token import GoogleIdToken, audience_of

AUDIENCE = "https://whisper-abc.a.run.app"


def part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


class TokenServer:
    """Answers each request with a token that holds for `lifetime_s`; keeps what was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.audiences: list[str] = []
        self.lifetime_s = 3600
        self.status = 200

    def token_for(self, assertion: str) -> str:
        claims = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))
        self.audiences.append(claims["target_audience"])
        expires = int(time.time()) + self.lifetime_s
        return f"{part({'alg': 'RS256'})}.{part({'exp': expires, 'n': len(self.audiences)})}.{part({})}"


@contextmanager
def token_server() -> Iterator[TokenServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            answer = json.dumps({"id_token": made.token_for(form["assertion"][0])}).encode()
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = TokenServer(f"http://127.0.0.1:{server.server_address[1]}/token")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with token_server() as server:
        account = {
            "type": "service_account",
            "client_email": "transcribe@project.iam.gserviceaccount.com",
            "private_key": key.decode(),
            "private_key_id": "1",
            "token_uri": server.url,
        }
        path = tmp_path / "key.json"
        path.write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        yield server


def test_a_token_for_the_audience_is_fetched_once_and_used_until_it_expires(tokens: TokenServer) -> None:
    credentials = GoogleIdToken(AUDIENCE)
    first = credentials.headers()
    assert first["Authorization"].startswith("Bearer ey")
    assert credentials.headers() == first
    assert tokens.audiences == [AUDIENCE]


def test_a_token_that_has_expired_is_fetched_anew(tokens: TokenServer) -> None:
    tokens.lifetime_s = 1
    credentials = GoogleIdToken(AUDIENCE)
    assert credentials.headers() != credentials.headers()
    assert tokens.audiences == [AUDIENCE] * 2


def test_whisper_gets_it(tokens: TokenServer, server: ScriptedWhisper) -> None:
    assert Caller(server.url, credentials=GoogleIdToken(AUDIENCE))().text == "hi"
    authorization = server.received[0].authorization
    assert authorization is not None
    assert authorization.startswith("Bearer ey")


def test_what_keeps_the_token_away_delays_and_loses_nothing(tokens: TokenServer) -> None:
    tokens.status = 403
    with pytest.raises(Retryable) as failed:
        GoogleIdToken(AUDIENCE).headers()
    assert failed.value.reason == "whisper_token_unavailable"


def test_a_key_file_that_is_none_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.json").write_text("{}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    with pytest.raises(Retryable):
        GoogleIdToken(AUDIENCE).headers()


@pytest.mark.parametrize("url", [AUDIENCE, f"{AUDIENCE}/", f"{AUDIENCE}/v1/audio/transcriptions?x=1"])
def test_the_audience_is_the_services_url_without_its_path(url: str) -> None:
    assert audience_of(url) == AUDIENCE
