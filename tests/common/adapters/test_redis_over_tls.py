"""TLS, AUTH and a certificate authority of one's own, as Memorystore has them, on a real redis-server."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from common.adapters.redis_server import MAX_CONNECTIONS, RedisAddress, connect_redis
from common.settings import Secret
from tests.certificates import Issued, issued

pytestmark = pytest.mark.component("redis")
PASSWORD = Secret("redis-password")


MEMORYSTORE = "10.0.0.3"
"""Where no test connects to: Memorystore's certificate names its private address too."""


@pytest.fixture(scope="module")
def authority() -> Issued:
    return issued("authority of the tests", address=MEMORYSTORE)


@pytest.fixture(scope="module")
def tls_port(authority: Issued, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A redis-server that speaks nothing but TLS."""
    program = shutil.which("redis-server")
    assert program is not None
    folder = tmp_path_factory.mktemp("redis-tls")
    ca_path, _ = authority.write(folder, "ca")
    certificate, key = issued("redis", authority, address=MEMORYSTORE).write(folder, "server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    options = ["--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD.reveal()]
    options += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(ca_path)]
    options += ["--tls-auth-clients", "no", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([program, *options], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        while "Ready to accept connections" not in (line := server.stdout.readline()):
            assert line, "redis-server ended"
        yield port
        server.kill()


@pytest.mark.parametrize("inline", [True, False])
def test_an_authority_of_ones_own_is_trusted(tls_port: int, authority: Issued, tmp_path: Path, inline: bool) -> None:
    ca_cert = authority.pem if inline else str(authority.write(tmp_path, "ca")[0])
    client = connect_redis(RedisAddress("127.0.0.1", tls_port, PASSWORD, tls=True, ca_cert=ca_cert))
    client.set("said", "over TLS")
    assert client.get("said") == b"over TLS"
    client.close()


@pytest.mark.parametrize("authority_of", ["nobody", "somebody else"])
def test_a_server_that_nobody_vouches_for_gets_no_password(tls_port: int, authority_of: str) -> None:
    ca_cert = "" if authority_of == "nobody" else issued("somebody else").pem
    client = connect_redis(RedisAddress("127.0.0.1", tls_port, PASSWORD, tls=True, ca_cert=ca_cert))
    with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        client.ping()
    client.close()


def test_the_password_still_counts(tls_port: int, authority: Issued) -> None:
    client = connect_redis(RedisAddress("127.0.0.1", tls_port, Secret("wrong"), tls=True, ca_cert=authority.pem))
    with pytest.raises(redis.AuthenticationError):
        client.ping()
    client.close()


def test_however_many_callers_there_are_the_connections_are_bounded(tls_port: int, authority: Issued) -> None:
    client = connect_redis(RedisAddress("127.0.0.1", tls_port, PASSWORD, tls=True, ca_cert=authority.pem))
    with ThreadPoolExecutor(2 * MAX_CONNECTIONS) as callers:
        assert all(callers.map(lambda _: client.ping(), range(500)))
    assert len(client.client_list()) <= MAX_CONNECTIONS
    client.close()
