"""The way to Redis: a real server where one is named, otherwise one inside this process."""

import functools
import ssl
from dataclasses import dataclass, field

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.settings import Secret

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
"""A script that takes longer than this is a defect: the hot state of a connection is small."""
MAX_CONNECTIONS = 64
"""More than any instance has threads; a request beyond them waits for one of them and opens no other."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A server, and how to speak with it. `ca_cert` is PEM or the path of a PEM file; empty: the machine's authorities."""

    host: str
    port: int = 6379
    password: Secret = field(default_factory=Secret)
    tls: bool = False
    ca_cert: str = ""


def connect_redis(address: RedisAddress) -> redis.Redis:
    """A client that answers with bytes. It makes no attempt of its own to repeat a command: the caller owns all retries.

    Without a host it is fakeredis with Lua, shared by all callers in this process and by no other process. Its content is gone
    with the process, which costs time and no transcript: every key can be rebuilt from the bucket.
    """
    if not address.host:
        return _in_process()
    options: dict[str, object] = {
        "host": address.host,
        "port": address.port,
        "password": address.password.reveal() or None,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": ANSWER_TIMEOUT_S,
        "health_check_interval": 30,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": MAX_CONNECTIONS,
        "timeout": ANSWER_TIMEOUT_S,
    }
    if address.tls:
        options |= _tls_options(address.ca_cert)
    pool = redis.BlockingConnectionPool(**options)  # type: ignore[no-untyped-call]
    return redis.Redis.from_pool(pool)  # closing the client closes the pool


def _tls_options(ca_cert: str) -> dict[str, object]:
    inline = "-----BEGIN" in ca_cert
    return {
        "connection_class": redis.SSLConnection,
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": False,  # Memorystore's certificate names an address that no DNS knows; its own CA vouches for it
        "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        "ssl_ca_data": ca_cert if inline else None,
        "ssl_ca_certs": None if inline else ca_cert or None,
    }


@functools.cache
def _in_process() -> redis.Redis:
    import fakeredis  # only where no server is named: the images do not carry it

    return fakeredis.FakeRedis(server=fakeredis.FakeServer())
