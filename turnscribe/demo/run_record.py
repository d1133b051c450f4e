"""What is remembered of a run, so that it can go on after Ctrl-C or `kill -9`: DATA_DIR/run.json."""

import os
from pathlib import Path

import msgspec

FILE_NAME = "run.json"


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One recording being played to one connection."""

    audio: str
    """The path as it was given, for people."""
    sha256: str
    """Of the recording's bytes: what makes it the same recording."""
    speakers_sha256: str
    """Of the speakers' file; empty without one."""
    piece_ms: int
    """How the recording was cut: a run that goes on must cut alike."""
    meeting_id: str
    connection_id: str
    started_at_ms: int
    """Epoch time of the recording's first sample on the clock that is told to the server."""
    completed: bool = False


def unfinished(previous: RunRecord | None, wanted: RunRecord) -> RunRecord | None:
    """`previous` when it is an unfinished run of the very same input, else None. Pure."""
    if previous is None or previous.completed:
        return None
    same = (previous.sha256, previous.speakers_sha256, previous.piece_ms) == (
        wanted.sha256,
        wanted.speakers_sha256,
        wanted.piece_ms,
    )
    return previous if same else None


def load(data_dir: Path) -> RunRecord | None:
    """The last run in `data_dir`; None where there is none, or none that this version can read."""
    try:
        return msgspec.json.decode((data_dir / FILE_NAME).read_bytes(), type=RunRecord)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def save(data_dir: Path, record: RunRecord) -> None:
    """Replace the record, atomically and durably."""
    target = data_dir / FILE_NAME
    draft = target.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def finished(record: RunRecord) -> RunRecord:
    """The record of a run that is complete. Pure."""
    return msgspec.structs.replace(record, completed=True)
