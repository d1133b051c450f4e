import _sqlite3
import ctypes
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from common.adapters.embedded import sqlite_database
from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.errors import Retryable

SCHEMA = "CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY, text TEXT);"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "numbers.sqlite3"


@pytest.fixture
def database(path: Path) -> Iterator[SqliteDatabase]:
    with closing(SqliteDatabase(path, SCHEMA)) as opened:
        yield opened


def insert(number: int, text: str = "") -> Callable[[sqlite3.Connection], int]:
    return lambda connection: connection.execute("INSERT INTO numbers VALUES (?, ?)", (number, text)).rowcount


def numbers(database: SqliteDatabase) -> list[int]:
    with database.reading() as connection:
        return [number for (number,) in connection.execute("SELECT number FROM numbers ORDER BY number")]


def commits(database: SqliteDatabase) -> list[str]:
    """Grows with every commit from now on."""
    seen: list[str] = []
    database._writer.set_trace_callback(lambda statement: seen.append(statement) if statement == "COMMIT" else None)
    return seen


def test_what_was_written_is_read_by_everyone(database: SqliteDatabase, path: Path) -> None:
    assert database.write(insert(1)) == 1
    assert numbers(database) == [1]
    with closing(SqliteDatabase(path, SCHEMA)) as other:
        assert numbers(other) == [1]


def test_all_may_open_a_new_file_at_once(path: Path) -> None:
    together = threading.Barrier(6)

    def open_and_write(number: int) -> None:
        together.wait()
        with closing(SqliteDatabase(path, SCHEMA)) as database:
            database.write(insert(number))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(open_and_write, range(6)))
    with closing(SqliteDatabase(path, SCHEMA)) as database:
        assert numbers(database) == list(range(6))


def test_threads_that_wait_share_one_commit(database: SqliteDatabase) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(10)

    seen = commits(database)
    threads = [threading.Thread(target=database.write, args=(hold,))]
    threads[0].start()
    begun.wait(10)
    threads += [threading.Thread(target=database.write, args=(insert(number),)) for number in range(8)]
    for thread in threads[1:]:
        thread.start()
    while len(database._waiting) < 8:
        pass
    go_on.set()
    for thread in threads:
        thread.join()
    assert numbers(database) == list(range(8))
    assert len(seen) == 2


def test_a_defect_in_one_operation_undoes_no_other(database: SqliteDatabase) -> None:
    begun, go_on = threading.Event(), threading.Event()
    outcomes: dict[int, object] = {}

    def hold(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(10)

    def write(number: int) -> None:
        try:
            outcomes[number] = database.write(insert(number))
        except sqlite3.IntegrityError:
            outcomes[number] = "refused"

    database.write(insert(3))
    threads = [threading.Thread(target=database.write, args=(hold,))]
    threads[0].start()
    begun.wait(10)
    threads += [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads[1:]:
        thread.start()
    while len(database._waiting) < 6:
        pass
    go_on.set()
    for thread in threads:
        thread.join()
    assert outcomes == {0: 1, 1: 1, 2: 1, 3: "refused", 4: 1, 5: 1}
    assert numbers(database) == list(range(6))


def test_a_locked_database_is_retryable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "_BUSY_TIMEOUT_S", 0.01)
    with (
        closing(SqliteDatabase(path, SCHEMA)) as database,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Retryable) as failed:
            database.write(insert(1))
        assert failed.value.reason == "database_busy"
        assert numbers(database) == []
        other.execute("ROLLBACK")
        database.write(insert(1))
        assert numbers(database) == [1]


def test_a_full_disk_is_retryable_and_changes_nothing(database: SqliteDatabase) -> None:
    (pages,) = database._writer.execute("PRAGMA page_count").fetchone()
    database._writer.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(Retryable) as failed:
        database.write(insert(1, "x" * 50_000))
    assert failed.value.reason == "disk_full"
    assert numbers(database) == []
    database._writer.execute("PRAGMA max_page_count = 1000")
    database.write(insert(1, "x" * 50_000))
    assert numbers(database) == [1]


def test_a_file_that_is_no_database_is_retryable(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(Retryable) as failed:
        SqliteDatabase(path, SCHEMA)
    assert failed.value.reason == "database_corrupt"


def test_a_folder_that_cannot_be_made_is_retryable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Retryable) as failed:
        SqliteDatabase(tmp_path / "file" / "numbers.sqlite3", SCHEMA)
    assert failed.value.reason == "database_unavailable"


def test_a_wrong_statement_is_a_defect_and_no_passing_fault(database: SqliteDatabase) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        database.write(lambda connection: connection.execute("DELETE FROM strangers"))
    with pytest.raises(sqlite3.OperationalError, match="no such table"), database.reading() as connection:
        connection.execute("SELECT * FROM strangers")
    database.write(insert(1))


def test_a_connection_keeps_half_a_megabyte_of_pages_however_large_its_file(database: SqliteDatabase) -> None:
    memory_used = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
    memory_used.restype = ctypes.c_int64
    for number in range(4_000):
        database.write(insert(number, "x" * 1_000), durable=False)
    with ExitStack() as at_once:
        readers = [at_once.enter_context(database.reading()) for _ in range(8)]
        before = memory_used()
        for reader in readers:
            assert sum(len(text) for (text,) in reader.execute("SELECT text FROM numbers")) == 4_000_000
        assert memory_used() - before < len(readers) * 800_000


def test_only_the_commits_of_others_are_news(database: SqliteDatabase, path: Path) -> None:
    assert not database.changed_elsewhere()
    database.write(insert(1))
    assert not database.changed_elsewhere()
    with closing(SqliteDatabase(path, SCHEMA)) as other:
        other.write(insert(2))
        assert database.changed_elsewhere()
        assert not database.changed_elsewhere()


def test_a_durable_commit_is_synced_and_the_other_kind_is_not(database: SqliteDatabase) -> None:
    def synchronous(connection: sqlite3.Connection) -> int:
        return connection.execute("PRAGMA synchronous").fetchone()[0]

    full, normal = 2, 1
    assert [database.write(synchronous, durable=durable) for durable in (True, False, False, True)] == [
        full,
        normal,
        normal,
        full,
    ]


def test_a_file_that_was_taken_away_is_noticed(database: SqliteDatabase, path: Path) -> None:
    database.check()
    moved = path.with_name("moved")
    path.rename(moved)
    with pytest.raises(Retryable) as gone:
        database.check()
    assert gone.value.reason == "database_unavailable"
    path.write_bytes(moved.read_bytes())
    with pytest.raises(Retryable):
        database.check()


def test_a_closed_database_is_retryable(path: Path) -> None:
    database = SqliteDatabase(path, SCHEMA)
    numbers(database)
    with database.reading() as connection:
        database.close()
        connection.execute("SELECT 1").fetchone()
    for attempt in (lambda: database.write(insert(1)), lambda: numbers(database), database.changed_elsewhere):
        with pytest.raises(Retryable) as failed:
            attempt()
        assert failed.value.reason == "database_closed"
