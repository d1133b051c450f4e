import pytest

from tests.transcribe_service.delivery.orders_of_tests import Post, webhook
from tests.transcribe_service.fakes import World


@pytest.fixture
def post(world: World) -> Post:
    made = Post(world)
    made.open()
    world.webhooks.create(webhook())
    return made
