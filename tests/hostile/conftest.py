"""One local runner for all of it: real processes over HTTP, two tenants, and a Whisper that hears attacks.

`pytest tests/hostile --hostile=all` tries every attack at every route; otherwise each is tried at some, and each route with some.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.conftest import READY_S, demo_environment
from tests.hostile.choice import Choice
from tests.hostile.hostile_whisper import HostileWhisper
from tests.hostile.raw import Address, Answer, asked
from turnscribe.local_server import LocalServer, free_port

PUSH_TOKEN: Final = "push-secret-a1b2c3"
OWN: Final = {
    "PUSH_TOKEN": PUSH_TOKEN,
    "TRANSCRIBER_STEP_SEC": "60",
    "SPEAKER_DELAY_SEC": "0",
    "SPEAKER_WAIT_SEC": "2",
    "CORS_ALLOWED_ORIGINS": "https://meet.example",
    "LOG_LEVEL": "DEBUG",
}


@dataclass(frozen=True)
class Runner:
    """The server under attack, and who may do what there."""

    server: LocalServer
    address: Address
    tokens: dict[str, str]
    """By tenant; `default` is the operator's."""

    def bearer(self, tenant: str = "default") -> str:
        return f"Authorization: Bearer {self.tokens[tenant]}"

    def asked(self, method: str, target: str, *lines: str, body: bytes = b"", tenant: str = "default") -> Answer:
        """What a tenant is answered."""
        return asked(self.address, method, target, self.bearer(tenant), *lines, body=body)

    def told(self, method: str, target: str, document: Any, tenant: str = "default") -> Answer:
        """The same, with JSON."""
        return self.asked(
            method, target, "Content-Type: application/json", body=json.dumps(document).encode(), tenant=tenant
        )

    @property
    def log(self) -> list[str]:
        return self.server.log_path.read_text().splitlines()

    def log_since(self, at: int) -> tuple[list[str], int]:
        """The whole lines from this byte on, and the byte where they end."""
        with self.server.log_path.open("rb") as file:
            file.seek(at)
            whole, end, _ = file.read().rpartition(b"\n")
        return whole.decode().splitlines(), at + len(whole + end)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--hostile", choices=["some", "all"], default="some", help="how many combinations are tried")


@pytest.fixture(scope="session")
def choice(pytestconfig: pytest.Config) -> Choice:
    return Choice(pytestconfig.getoption("--hostile", default="some") == "all")


def _token_of(address: Address, operator: str, tenant: str) -> str:
    body = json.dumps({"tenant": tenant, "scopes": ["ingest", "read", "edit", "admin"]}).encode()
    lines = (f"Authorization: Bearer {operator}", "Content-Type: application/json")
    made = asked(address, "POST", "/v1/tokens", *lines, body=body)
    assert made.status == 201, made
    token: str = made.json["token"]
    return token


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    data_dir: Path = tmp_path_factory.mktemp("attacked")
    with HostileWhisper() as whisper:
        environ = demo_environment() | OWN | {"WHISPER_SERVICE_URL": whisper.url}
        with LocalServer(data_dir, free_port(), environ) as server:
            server.wait_until_ready(READY_S)
            host, _, port = server.url.removeprefix("http://").partition(":")
            address = host, int(port)
            tenants = {each: _token_of(address, server.token, each) for each in ("victim", "attacker")}
            yield Runner(server, address, {"default": server.token, **tenants})
            server.check_alive()
