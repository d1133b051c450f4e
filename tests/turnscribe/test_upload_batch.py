import threading
from pathlib import Path

import pytest

from turnscribe.errors import ServerUnreachable
from turnscribe.upload import ToldProgress, UploadedRecording, UploadProgress
from turnscribe.upload_batch import Outcome, upload_all

PATHS = [Path(f"{n}.wav") for n in range(6)]


class Seen:
    """A view that remembers, and can press Ctrl-C where the batch is waited for."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.finished_paths: list[Path] = []
        self.moved: set[Path] = set()
        self._interrupt_at = interrupt_at

    def progress(self, path: Path, at: UploadProgress) -> None:
        self.moved.add(path)

    def finished(self, outcome: Outcome) -> None:
        self.finished_paths.append(outcome.path)
        if len(self.finished_paths) == self._interrupt_at:
            raise KeyboardInterrupt


def uploaded(path: Path) -> UploadedRecording:
    return UploadedRecording(f"c-{path.stem}", f"m-{path.stem}", 5, 0)


def test_one_failing_file_does_not_stop_the_others_and_order_is_kept() -> None:
    def upload(path: Path, progress: ToldProgress) -> UploadedRecording:
        progress(UploadProgress("sending", 1, 0, 5))
        if path.stem in {"1", "4"}:
            raise ServerUnreachable("gone")
        return uploaded(path)

    view = Seen()
    outcomes, interrupted = upload_all(PATHS, upload, view, parallel=3)
    assert not interrupted
    assert [outcome.path for outcome in outcomes] == PATHS
    assert [outcome.error for outcome in outcomes] == ["", "gone", "", "", "gone", ""]
    assert [outcome.uploaded for outcome in outcomes if outcome.uploaded] == [uploaded(PATHS[n]) for n in (0, 2, 3, 5)]
    assert sorted(view.finished_paths) == PATHS
    assert view.moved == set(PATHS)


@pytest.mark.parametrize("parallel", [1, 2, 4])
def test_as_many_at_once_as_asked_for(parallel: int) -> None:
    lock, now, most = threading.Lock(), [0], [0]
    all_in = threading.Barrier(parallel)

    def upload(path: Path, progress: ToldProgress) -> UploadedRecording:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        if int(path.stem) < parallel:
            all_in.wait(10)  # nobody goes on before that many are at work
        with lock:
            now[0] -= 1
        return uploaded(path)

    upload_all(PATHS, upload, Seen(), parallel=parallel)
    assert most[0] == parallel


def test_ctrl_c_stops_between_two_blocks_and_begins_no_other_file() -> None:
    begun = []

    def upload(path: Path, progress: ToldProgress) -> UploadedRecording:
        begun.append(path)
        if path != PATHS[0]:
            for _ in range(10_000):
                progress(UploadProgress("sending", 1, 0, 5))
                threading.Event().wait(0.001)
        return uploaded(path)

    outcomes, interrupted = upload_all(PATHS, upload, Seen(interrupt_at=1), parallel=2)
    assert interrupted
    assert outcomes[0].uploaded == uploaded(PATHS[0])
    assert {outcome.error for outcome in outcomes[1:]} == {"interrupted"}
    assert len(begun) <= 3


def test_what_was_never_foreseen_is_not_swallowed() -> None:
    def upload(path: Path, progress: ToldProgress) -> UploadedRecording:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        upload_all(PATHS, upload, Seen(), parallel=2)
