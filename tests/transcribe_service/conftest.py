import pytest

from tests.transcribe_service.fakes import World


@pytest.fixture
def world() -> World:
    return World()
