from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Nack, Subscription
from common.auth import SingleToken
from common.clock import SystemClock
from common.events import Message
from common.health import Drain
from common.settings import Secret
from local_runner.stats_app import create_stats_app


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[SqliteQueue]:
    queue = SqliteQueue(tmp_path / "queue.sqlite3", SystemClock())
    queue.subscribe(Subscription(name="s", topic="t", endpoint="http://127.0.0.1:9"))
    yield queue
    queue.close()


@pytest.fixture
def client(queue: SqliteQueue) -> FlaskClient:
    app = create_stats_app(queue, None, SingleToken(Secret("t")), Drain(), {}, cpu_seconds=lambda: 1.5)
    return app.test_client()


def test_it_tells_work_done_and_work_to_do(client: FlaskClient, queue: SqliteQueue) -> None:
    queue.publish("t", Message(b"1", {}))
    queue.publish("t", Message(b"2", {}))
    queue.nack([Nack(delivery, "http_500") for delivery in queue.lease("s", 1)])
    answer = client.get("/stats", headers={"Authorization": "Bearer t"})
    assert answer.get_json() == {
        "cpu_seconds": 1.5,
        "queue": {"s": {"messages": 2}},
        "whisper": None,
    }


def test_it_wants_the_token(client: FlaskClient) -> None:
    assert client.get("/stats").status_code == 401
