import pytest

from tests.ingest_service.pubsub.fakes import PushedIngest


@pytest.fixture
def ingest() -> PushedIngest:
    return PushedIngest()
