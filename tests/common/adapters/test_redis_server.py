import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from common.adapters.redis_server import RedisAddress, connect_redis
from common.settings import Secret

PASSWORD = "redis-password"


@pytest.fixture(scope="module")
def server_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    program = shutil.which("redis-server")
    assert program is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder: Path = tmp_path_factory.mktemp("redis")
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--requirepass",
        PASSWORD,
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with subprocess.Popen([program, *options], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        while "Ready to accept connections" not in (line := server.stdout.readline()):
            assert line, "redis-server ended"
        yield port
        server.kill()


@pytest.fixture(params=["in-process", pytest.param("server", marks=pytest.mark.component("redis"))])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    if request.param == "in-process":
        yield connect_redis(RedisAddress("", 0, Secret()))
        return
    connected = connect_redis(RedisAddress("127.0.0.1", request.getfixturevalue("server_port"), Secret(PASSWORD)))
    yield connected
    connected.close()


def test_answers_are_bytes(client: redis.Redis) -> None:
    key = uuid.uuid4().hex
    client.set(key, "Zoë")
    assert client.get(key) == "Zoë".encode()


def test_scripts_are_atomic(client: redis.Redis) -> None:
    key = uuid.uuid4().hex
    script = client.register_script(
        "local n = tonumber(redis.call('GET', KEYS[1]) or '0') redis.call('SET', KEYS[1], n + tonumber(ARGV[1])) return n"
    )
    with ThreadPoolExecutor(8) as threads:
        before = list(threads.map(lambda _: script(keys=[key], args=[1]), range(80)))
    assert sorted(before) == list(range(80))
    assert client.get(key) == b"80"


def test_all_callers_in_a_process_share_it() -> None:
    key = uuid.uuid4().hex
    connect_redis(RedisAddress("", 0, Secret())).set(key, "1")
    assert connect_redis(RedisAddress("", 6379, Secret("ignored"))).get(key) == b"1"


@pytest.mark.component("redis")
def test_a_wrong_password_is_an_error(server_port: int) -> None:
    client = connect_redis(RedisAddress("127.0.0.1", server_port, Secret("wrong")))
    with pytest.raises(redis.AuthenticationError):
        client.ping()
    client.close()


def test_a_command_is_tried_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = connect_redis(RedisAddress("127.0.0.1", port, Secret()))
    attempts: list[object] = []
    connect = client.connection_pool.connection_class._connect

    class Counting(client.connection_pool.connection_class):
        def _connect(self) -> socket.socket:
            attempts.append(self)
            return connect(self)

    client.connection_pool.connection_class = Counting
    with pytest.raises(redis.ConnectionError):
        client.ping()
    assert len(attempts) == 1
    client.close()
