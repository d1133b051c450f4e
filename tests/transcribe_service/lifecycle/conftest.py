from collections.abc import Iterator

import fakeredis
import pytest
import redis

from tests.segmenter_service.stage import split, talk, webm
from tests.transcribe_service.lifecycle.whole import Whole


@pytest.fixture
def hot() -> Iterator[redis.Redis]:
    with fakeredis.FakeRedis() as client:
        yield client


@pytest.fixture
def whole(hot: redis.Redis) -> Whole:
    return Whole(hot)


@pytest.fixture(scope="session")
def chunks() -> list[bytes]:
    return split(webm(talk(4, 0.6, 5, 0.4, 7, 3.5, 6)), 6)
