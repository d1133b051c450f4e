"""One SQLite file: its connections, its transactions and the translation of its errors. What the tables mean is no matter here.

Writing goes through one connection. Threads that write at the same time share a transaction (group commit), so that sixteen
publishers pay for one fsync. Reading goes through connections of its own and waits for nobody (WAL).
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from common.adapters.embedded.process_lock import ProcessLock
from common.errors import Retryable

T = TypeVar("T")

_BUSY_TIMEOUT_S: Final = 5.0
_WAL_LIMIT_BYTES: Final = 16 * 1024 * 1024
_CACHE_KIB: Final = 512
"""Of each connection, instead of 2 MB: a service has dozens once many have read at once, and what they keep grows with their file.
The system's own cache has the same pages."""
_PASSING: Final = {
    sqlite3.SQLITE_BUSY: "database_busy",
    sqlite3.SQLITE_LOCKED: "database_busy",
    sqlite3.SQLITE_PROTOCOL: "database_busy",
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "database_io",
    sqlite3.SQLITE_CANTOPEN: "database_unavailable",
    sqlite3.SQLITE_READONLY: "database_readonly",
    sqlite3.SQLITE_NOMEM: "out_of_memory",
    sqlite3.SQLITE_CORRUPT: "database_corrupt",
    sqlite3.SQLITE_NOTADB: "database_corrupt",
}
"""Primary result codes that are the machine's trouble and no defect of ours."""


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        reason = _PASSING.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if reason is None:
            raise
        raise Retryable(f"{path.name}: {error}", reason=reason) from error


class _Write(Generic[T]):
    """One caller's part of a transaction, and how it ended."""

    def __init__(self, operation: Callable[[sqlite3.Connection], T], *, durable: bool) -> None:
        self.operation = operation
        self.durable = durable
        self.value: T | None = None
        self.committed = False
        self.failure: sqlite3.OperationalError | None = None

    @property
    def settled(self) -> bool:
        return self.committed or self.failure is not None


class SqliteDatabase:
    """A database file, made with `schema` (idempotent DDL) where it is missing. Build it in the process that uses it: not before a fork."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._idle_readers: deque[sqlite3.Connection] = deque()
        self._waiting: deque[_Write[Any]] = deque()
        self._writing = threading.Lock()
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # The change to WAL does not honour the busy time-out: processes that start together take turns.
            with ProcessLock(path.with_name(f"{path.name}.opening")), _translated(path), ExitStack() as on_failure:
                self._writer = on_failure.enter_context(closing(self._connect()))
                self._writer.execute("PRAGMA synchronous = NORMAL")
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
                self._writer.executescript(schema)
                on_failure.pop_all()
            self._inode = path.stat().st_ino
        except OSError as error:
            raise Retryable(f"{path.name}: {error.strerror}", reason="database_unavailable") from error
        self._synced_commits = False
        self._seen_version = self._data_version()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for SELECTs. Raises `Retryable`."""
        self._refuse_when_closed()
        with _translated(self._path):
            try:
                connection = self._idle_readers.pop()
            except IndexError:
                connection = self._connect()
            try:
                yield connection
            finally:
                if self._closed:
                    connection.close()
                else:
                    self._idle_readers.append(connection)

    def write(self, operation: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Run `operation` in a transaction, perhaps with those of other threads, and return its value once committed.

        `operation` gets the connection and only runs statements; it may run twice. A `durable` commit survives a power cut;
        the other kind survives the death of the process only, and costs no fsync. Raises `Retryable`.
        """
        mine = _Write(operation, durable=durable)
        self._waiting.append(mine)
        with self._writing, _translated(self._path):
            if not mine.settled:
                self._refuse_when_closed()
                self._commit([self._waiting.popleft() for _ in range(len(self._waiting))] or [mine])
            if not mine.settled:  # one operation undid the common transaction: each runs alone and meets its own error
                self._commit([mine])
            if mine.failure is not None:
                raise mine.failure
        return mine.value  # type: ignore[return-value]  # settled without failure: the value is there, and may be None

    def changed_elsewhere(self) -> bool:
        """Whether another connection (in practice another process) has committed since the last call. About 10 µs."""
        with self._writing, _translated(self._path):
            self._refuse_when_closed()
            version = self._data_version()
        changed = version != self._seen_version
        self._seen_version = version
        return changed

    def check(self) -> None:
        """Raise `Retryable` when the database can't be read, or when its file was taken away under the open connections."""
        with self.reading() as connection:
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        try:
            present = self._path.stat().st_ino == self._inode
        except OSError:
            present = False
        if not present:
            raise Retryable(f"{self._path.name} was removed or replaced", reason="database_unavailable")

    def close(self) -> None:
        """Close the connections. Later calls raise `Retryable`, so that whatever is under way is tried again elsewhere."""
        with self._writing:
            self._closed = True
            self._writer.close()
        while self._idle_readers:
            self._idle_readers.pop().close()

    def _commit(self, writes: list[_Write[Any]]) -> None:
        writer = self._writer
        try:
            self._sync_commits(any(write.durable for write in writes))
            writer.execute("BEGIN IMMEDIATE")
            for write in writes:
                write.value = write.operation(writer)
            writer.execute("COMMIT")
        except sqlite3.OperationalError as error:  # the database's trouble: it is everybody's
            for write in writes:
                write.failure = error
        except Exception:  # a defect in one operation
            if len(writes) == 1:
                raise
        else:
            for write in writes:
                write.committed = True
        finally:
            if writer.in_transaction:
                writer.execute("ROLLBACK")

    def _sync_commits(self, wanted: bool) -> None:
        if wanted != self._synced_commits:
            self._writer.execute(f"PRAGMA synchronous = {'FULL' if wanted else 'NORMAL'}")
            self._synced_commits = wanted

    def _data_version(self) -> int:
        version: int = self._writer.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise Retryable(f"{self._path.name} is closed", reason="database_closed")
