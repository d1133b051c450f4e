from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common.adapters.embedded.file_blob_store import FileBlobStore
from common.adapters.embedded.sqlite_queue import SqliteQueue
from tests.clocks import FakeClock
from tests.push_receiver import PushReceiver


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def queue_path(tmp_path: Path) -> Path:
    return tmp_path / "queue.sqlite3"


@pytest.fixture
def open_queue(queue_path: Path, clock: FakeClock) -> Iterator[Callable[[], SqliteQueue]]:
    """Opens the queue as another process would; all are closed at the end."""
    opened: list[SqliteQueue] = []

    def opening() -> SqliteQueue:
        opened.append(SqliteQueue(queue_path, clock))
        return opened[-1]

    yield opening
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(open_queue: Callable[[], SqliteQueue]) -> SqliteQueue:
    return open_queue()


@pytest.fixture
def receiver() -> Iterator[PushReceiver]:
    with PushReceiver() as listening:
        yield listening


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileBlobStore]:
    with closing(FileBlobStore(tmp_path / "objects")) as opened:
        yield opened
