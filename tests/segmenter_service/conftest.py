"""Redis for the segmenter's tests: in this process always, a real server where there is one."""

from collections.abc import Iterator

import fakeredis
import pytest
import redis


@pytest.fixture(params=["in_process", pytest.param("real", marks=pytest.mark.component("redis"))])
def redis_client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """An empty Redis."""
    if request.param == "in_process":
        with fakeredis.FakeRedis() as client:
            yield client
        return
    with redis.Redis("127.0.0.1", request.getfixturevalue("redis_server")) as client:
        client.flushall()
        yield client
