import pytest

from tests.ingest_service.fakes import Ingest


@pytest.fixture
def ingest() -> Ingest:
    return Ingest()
