"""The drop box as a folder: what stays as it is for a while becomes a meeting, once, whoever dies over it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from common.adapters.embedded.folder_objects import FolderObjects
from common.errors import Retryable
from common.events import StreamEnded
from ingest_service.app import IngestDeps, drop_box_over
from ingest_service.pubsub.dropbox import Dropped
from ingest_service.settings import IngestSettings
from local_runner import drop_folder
from local_runner.drop_folder import TRY_AGAIN_S, DropFolder, DropFolderWatch
from tests.clocks import FakeClock
from tests.ingest_service.fakes import Fault, Ingest

OGG = b"OggS" + bytes(range(256)) * 9_000


class Runner:
    """The folder over ingest's fakes; `look` as often as asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = FakeClock()
        self.ingest = Ingest(IngestSettings(upload_tenants="acme"))
        self.restart()

    def restart(self) -> None:
        fakes = self.ingest
        deps = IngestDeps(
            fakes.settings,
            fakes.blobs,
            fakes.publisher,
            None,
            fakes.token_store,
            fakes.clock,
            fakes.drain,  # type: ignore[arg-type]  # nobody asks for a token
        )
        self.box = drop_box_over(deps, FolderObjects(self.root))
        self.folder = DropFolder(self.root, "dropbox", self.box, self.clock)

    def put(self, name: str, data: bytes = OGG) -> Path:
        path = self.folder.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def files(self) -> set[str]:
        found = (path for path in self.folder.folder.rglob("*") if path.is_file() or path.is_symlink())
        return {path.relative_to(self.folder.folder).as_posix() for path in found}

    def recordings(self) -> list[StreamEnded]:
        events = [event for event in self.ingest.events if isinstance(event, StreamEnded)]
        return list(dict.fromkeys(events))


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_a_file_that_stays_as_it_is_is_taken_and_moved_away(runner: Runner) -> None:
    runner.put("Team talk.ogg")
    assert runner.folder.look() == 0, "it may still grow"
    assert runner.folder.look() == 1
    (recording,) = runner.recordings()
    assert recording.meeting_id.startswith("Team-talk-")
    assert recording.tenant == "default"
    assert runner.files() == {".taken/Team talk.ogg"}
    assert runner.folder.look() == runner.folder.look() == 0


def test_a_file_that_is_still_written_waits(runner: Runner) -> None:
    path = runner.put("a.ogg", OGG[:1000])
    runner.folder.look()
    path.write_bytes(OGG[:2000])
    assert runner.folder.look() == 0
    path.write_bytes(OGG)
    os.utime(path, ns=(1, 1))
    assert runner.folder.look() == 0
    assert runner.folder.look() == 1


def test_tenants_have_folders(runner: Runner) -> None:
    for name in ("acme/a.ogg", "others/a.ogg", "acme/deep/a.ogg"):
        runner.put(name)
    runner.folder.look()
    assert runner.folder.look() == 3
    assert sorted(each.tenant for each in runner.recordings()) == ["acme", "acme", "default"]
    assert runner.files() == {".taken/acme/a.ogg", ".taken/others/a.ogg", ".taken/acme/deep/a.ogg"}


def test_what_is_no_audio_is_put_aside_with_the_reason_and_holds_up_nothing(runner: Runner) -> None:
    runner.put("a notes.txt", b"These are the minutes of a meeting, in words.")
    runner.put("b.ogg")
    runner.folder.look()
    assert runner.folder.look() == 2
    assert runner.files() == {".refused/a notes.txt", ".refused/a notes.txt.reason", ".taken/b.ogg"}
    reason = json.loads((runner.folder.folder / ".refused/a notes.txt.reason").read_bytes())
    assert reason["reason"] == "unknown_container"
    assert reason["refused_at"] == "2023-11-14T22:13:20.000Z"
    assert len(runner.recordings()) == 1


@pytest.mark.parametrize("name", [".hidden.ogg", ".folder/a.ogg", "a.ogg.part", "a.CRDOWNLOAD", "empty.ogg"])
def test_what_nobody_has_finished_stays(runner: Runner, name: str) -> None:
    runner.put(name, b"" if name == "empty.ogg" else OGG)
    runner.folder.look()
    assert runner.folder.look() == 0
    assert runner.files() == {name}


def test_links_are_not_followed(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "secret.ogg").write_bytes(OGG)
    (runner.folder.folder / "a.ogg").symlink_to(tmp_path / "secret.ogg")
    (runner.folder.folder / "b").symlink_to(tmp_path)
    runner.folder.look()
    assert runner.folder.look() == 0
    assert runner.recordings() == []


def test_the_same_name_again_is_another_meeting_and_nothing_is_overwritten(runner: Runner) -> None:
    for content in (OGG, OGG + b"more"):
        runner.put("a.ogg", content)
        runner.folder.look()
        assert runner.folder.look() == 1
    assert len({each.meeting_id for each in runner.recordings()}) == 2
    assert len(runner.files()) == 2
    assert {(runner.folder.folder / name).stat().st_size for name in runner.files()} == {len(OGG), len(OGG) + 4}


def died_after(step: str) -> Callable[..., object]:
    def dying(*_arguments: object, **_named: object) -> object:
        raise KeyboardInterrupt(step)

    return dying


@pytest.mark.parametrize("name", ["a.ogg", "notes.txt"])
@pytest.mark.parametrize("dying", ["replace", "write_bytes", "mkdir"])
def test_who_dies_at_any_point_does_again_what_changes_nothing(
    runner: Runner, monkeypatch: pytest.MonkeyPatch, name: str, dying: str
) -> None:
    runner.put(name, OGG if name == "a.ogg" else b"These are the minutes of a meeting, in words.")
    runner.folder.look()
    with monkeypatch.context() as patch:
        patch.setattr(Path, dying, died_after(dying))
        with suppress(KeyboardInterrupt):
            runner.folder.look()
    runner.restart()
    runner.folder.look()
    runner.folder.look()
    expected = {".taken/a.ogg"} if name == "a.ogg" else {".refused/notes.txt", ".refused/notes.txt.reason"}
    assert runner.files() == expected
    assert len(runner.recordings()) == (name == "a.ogg")


@pytest.mark.parametrize("faults", range(8))
def test_what_fails_in_passing_is_tried_again_later_and_goes_on(runner: Runner, faults: int) -> None:
    runner.put("a.ogg")
    runner.ingest.blobs.faults.plan([Fault.NONE] * faults + [Fault.AFTER])
    runner.folder.look()
    if runner.folder.look() == 0:
        assert runner.files() == {"a.ogg"}
        assert runner.folder.look() == 0, "not at once"
        runner.clock.advance(TRY_AGAIN_S + 1)
        assert runner.folder.look() == 1
    assert len(runner.recordings()) == 1
    assert runner.files() == {".taken/a.ogg"}


def test_a_defect_over_one_file_holds_up_no_other(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    taking = runner.box.take

    class Box:
        def take(self, dropped: Dropped, *, dropped_ms: int) -> object:
            if dropped.name.endswith("a.ogg"):
                raise ZeroDivisionError
            return taking(dropped, dropped_ms=dropped_ms)

    folder = DropFolder(runner.root, "dropbox", Box(), runner.clock)  # type: ignore[arg-type]  # as far as it is asked
    runner.put("a.ogg")
    runner.put("b.ogg")
    folder.look()
    assert folder.look() == 1
    assert runner.files() == {"a.ogg", ".taken/b.ogg"}


def test_told_to_stop_it_begins_nothing_more(runner: Runner) -> None:
    for name in ("a.ogg", "b.ogg"):
        runner.put(name)
    runner.folder.look()
    answers = iter([False, True])
    assert runner.folder.look(lambda: next(answers)) == 1
    assert runner.files() == {".taken/a.ogg", "b.ogg"}


def test_a_file_that_was_taken_away_meanwhile_is_no_fault(runner: Runner) -> None:
    path = runner.put("a.ogg")
    runner.folder.look()
    stat = Path.stat
    path_of = path

    def gone(self: Path, **named: bool) -> os.stat_result:
        found = stat(self, **named)
        if self == path_of:
            path_of.unlink()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "stat", gone)
        assert runner.folder.look() == 0
    assert runner.files() == set()


@pytest.fixture
def watch() -> Iterator[tuple[DropFolderWatch, list[int]]]:
    looks: list[int] = []

    class Folder:
        def look(self, stop: Callable[[], bool]) -> int:
            looks.append(1)
            if len(looks) == 1:
                raise Retryable("the disk is away", reason="disk")
            return 0

    watching = DropFolderWatch(Folder(), interval_s=0.001)  # type: ignore[arg-type]  # as far as it is asked
    yield watching, looks
    watching.stop(10)


def test_it_looks_on_after_a_failure_until_it_is_stopped(watch: tuple[DropFolderWatch, list[int]]) -> None:
    watching, looks = watch
    watching.start()
    while len(looks) < 3:
        assert watching._thread.is_alive()
        watching._thread.join(0.001)
    watching.stop(10)
    assert not watching._thread.is_alive()
    assert drop_folder.POLL_INTERVAL_S > 0
