"""The way to Redis: a real server where one is named, otherwise one inside this process."""

import functools

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.settings import Secret

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
"""A script that takes longer than this is a defect: the hot state of a connection is small."""


def connect_redis(host: str, port: int, password: Secret) -> redis.Redis:
    """A client that answers with bytes. It makes no attempt of its own to repeat a command: the caller owns all retries.

    Without a host it is fakeredis with Lua, shared by all callers in this process and by no other process. Its content is gone
    with the process, which costs time and no transcript: every key can be rebuilt from the bucket.
    """
    if not host:
        return _in_process()
    return redis.Redis(
        host=host,
        port=port,
        password=password.reveal() or None,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 0),
    )


@functools.cache
def _in_process() -> redis.Redis:
    import fakeredis  # only where no server is named: the images do not carry it

    return fakeredis.FakeRedis(server=fakeredis.FakeServer())
