"""DATA_DIR: one runner at a time, and the token that it makes for itself. What the adapters keep in there is theirs."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.adapters.embedded.process_lock import ProcessLock

LOCK_NAME = "runner.lock"
TOKEN_NAME = "token"  # noqa: S105 -- a file's name
LOCK_WAIT_S = 3.0
"""A runner that was killed just now lets go within this time."""


class FolderInUse(Exception):
    """Another runner works in the folder."""


@contextmanager
def lock_folder(data_dir: Path, wait_s: float = LOCK_WAIT_S) -> Iterator[ProcessLock]:
    """Make the folder, its owner's alone, where it is missing, and hold its lock. Raises `FolderInUse`."""
    data_dir.mkdir(
        mode=0o700, parents=True, exist_ok=True
    )  # who may enter one that is there already, its owner has decided
    lock = ProcessLock(data_dir / LOCK_NAME)
    deadline_s = time.monotonic() + wait_s
    while not lock.try_acquire():
        if time.monotonic() >= deadline_s:
            raise FolderInUse(f"DATA_DIR: another runner works in {data_dir.resolve()}; stop it or name another folder")
        time.sleep(0.05)
    try:
        yield lock
    finally:
        lock.release()


def keep_token(data_dir: Path) -> str:
    """The token in DATA_DIR/token, readable by its owner only; a random one is put there first where there is none."""
    path = data_dir / TOKEN_NAME
    try:
        kept = path.read_text().strip()
    except FileNotFoundError:
        kept = ""
    if kept:
        return kept
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    made = secrets.token_urlsafe(24)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(made + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return made
