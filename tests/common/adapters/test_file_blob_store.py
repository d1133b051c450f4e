import errno
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from common.adapters.embedded.file_blob_store import FileBlobStore
from common.errors import Permanent, Retryable
from common.ports.blob_store import BlobNotFound, Created


def temporary_files(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in (root / "incoming").rglob("*") if path.parent.name != "incoming"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "a/",
        "a//b",
        "..",
        "../x",
        "a/../../x",
        "a/.",
        "a\\b",
        "a\x00b",
        "a\nb",
        "x" * 256,
        "ä" * 128,
        "/".join(["x" * 200] * 6),
        "a/\ud800",
    ],
)
def test_names_that_could_leave_the_folder_are_refused(store: FileBlobStore, name: str) -> None:
    with pytest.raises(Permanent) as refused:
        store.create(name, b"")
    assert refused.value.reason == "invalid_object_name"
    with pytest.raises(Permanent):
        store.read(name)
    with pytest.raises(Permanent):
        store.delete(name)


@pytest.mark.parametrize("prefix", ["../", "/", "a/../", "a//", "\x00/"])
def test_prefixes_that_could_leave_the_folder_are_refused_before_anything_is_read(
    store: FileBlobStore, prefix: str
) -> None:
    with pytest.raises(Permanent):
        store.list(prefix)


def test_a_prefix_that_only_looks_like_a_parent_finds_nothing(store: FileBlobStore) -> None:
    store.create("a/x", b"")
    assert list(store.list("..")) == []


def test_the_file_is_a_line_of_metadata_and_the_content(store: FileBlobStore, tmp_path: Path) -> None:
    store.create("raw/one", b"line\nline", {"a": "1"})
    content = (tmp_path / "objects" / "blobs" / "raw" / "one").read_bytes()
    assert content == b'turnscribe-blob/1 {"a":"1"}\nline\nline'


@pytest.mark.parametrize("content", [b"", b"foreign", b"turnscribe-blob/1 {}", b"turnscribe-blob/1 [1]\n", b"\n"])
def test_a_file_of_somebody_else_is_named_and_not_served(store: FileBlobStore, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "objects" / "blobs" / "foreign").write_bytes(content)
    with pytest.raises(Permanent, match="foreign"):
        store.read("foreign")
    with pytest.raises(Permanent, match="foreign"):
        list(store.list(""))


def test_objects_outlive_the_store(tmp_path: Path) -> None:
    with closing(FileBlobStore(tmp_path)) as first:
        first.create("raw/one", b"1", {"k": "v"})
    with closing(FileBlobStore(tmp_path)) as second:
        assert second.info("raw/one").metadata == {"k": "v"}
        assert second.create("raw/one", b"2") is Created.ALREADY_DIFFERENT


def test_an_object_cannot_lie_below_another(store: FileBlobStore) -> None:
    store.create("a/b", b"")
    store.create("c/d/e", b"")
    for name in ("a/b/c", "c/d", "c"):
        with pytest.raises(Permanent) as refused:
            store.create(name, b"")
        assert refused.value.reason == "name_conflict"
    for name in ("a/b/c", "c/d"):
        with pytest.raises(BlobNotFound):
            store.read(name)
        with pytest.raises(BlobNotFound):
            store.info(name)
        store.delete(name)
    assert [info.name for info in store.list("")] == ["a/b", "c/d/e"]


@pytest.mark.parametrize(("number", "reason"), [(errno.ENOSPC, "disk_full"), (errno.EIO, "file_error")])
def test_a_failed_write_is_retryable_and_leaves_nothing(
    store: FileBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(Retryable) as failed:
            store.create("raw/one", b"bytes")
    assert failed.value.reason == reason
    assert list(store.list("")) == []
    assert temporary_files(tmp_path / "objects") == []
    assert store.create("raw/one", b"bytes") is Created.CREATED


def test_what_the_system_does_not_take_at_once_is_written_bit_by_bit(
    store: FileBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "writev", lambda file, parts: write(file, b"".join(parts)[:3]))
    monkeypatch.setattr(os, "write", lambda file, rest: write(file, rest[:2]))
    store.create("raw/one", b"bytes", {"a": "1"})
    assert store.read("raw/one") == b"bytes"
    assert store.info("raw/one").metadata == {"a": "1"}


def test_an_object_is_visible_only_when_its_bytes_are_synced(
    store: FileBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_while_syncing = []
    fsync = os.fsync

    def look(descriptor: int) -> None:
        seen_while_syncing.append([info.name for info in store.list("")])
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    store.create("a/b/one", b"bytes")
    before, *after = seen_while_syncing
    assert before == []
    assert after == [["a/b/one"]] * 3  # the folder, and once those above it
    seen_while_syncing.clear()
    store.create("a/b/two", b"bytes")
    assert len(seen_while_syncing) == 2


@pytest.mark.parametrize(("size_bytes", "written"), [(5, 1), (1024**2, 0)])
def test_what_is_there_already_is_durable_before_it_is_reported(
    store: FileBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size_bytes: int, written: int
) -> None:
    data = b"x" * size_bytes
    store.create("a/one", data)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    assert store.create("a/one", data) is Created.ALREADY_SAME
    assert store.create("a/one", data[1:]) is Created.ALREADY_DIFFERENT
    assert len(synced) == 2 * (written + 1)  # what is large is not written once more; the folder is synced in any case
    assert store.read("a/one") == data
    assert temporary_files(tmp_path / "objects") == []


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    with closing(FileBlobStore(tmp_path)):
        dead = incoming / "dead"
        dead.mkdir()
        (dead / "0").write_bytes(b"half")
        (incoming / "dead.lock").touch()
        (living,) = [path for path in incoming.iterdir() if path.is_dir() and path != dead]
        (living / "0").write_bytes(b"half")
        with closing(FileBlobStore(tmp_path)) as second:
            assert not dead.exists()
            assert not (incoming / "dead.lock").exists()
            assert (living / "0").exists()
            assert list(second.list("")) == []


def test_a_closed_store_leaves_no_temporary_files(tmp_path: Path) -> None:
    store = FileBlobStore(tmp_path)
    store.create("a", b"")
    store.close()
    assert [path.name for path in (tmp_path / "incoming").iterdir()] == ["starting"]
    with pytest.raises(Retryable):
        store.create("b", b"")


def test_folders_without_objects_go(store: FileBlobStore, tmp_path: Path) -> None:
    store.create("a/b/c/one", b"")
    store.create("a/two", b"")
    store.delete("a/b/c/one")
    assert sorted(path.name for path in (tmp_path / "objects" / "blobs").rglob("*")) == ["a", "two"]
    store.delete("a/two")
    assert list((tmp_path / "objects" / "blobs").iterdir()) == []


def test_creation_and_pruning_of_one_folder_do_not_disturb_each_other(store: FileBlobStore) -> None:
    def churn(name: str) -> None:
        for _ in range(60):
            assert store.create(name, b"x") is Created.CREATED
            store.delete(name)
        assert store.create(name, b"x") is Created.CREATED

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(churn, [f"deep/er/{number}" for number in range(4)]))
    assert len(list(store.list("deep/"))) == 4


def test_a_listing_reads_only_the_folders_that_it_needs(store: FileBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        store.create(f"raw/{number:02d}/chunks/0", b"")
    scandir, read = os.scandir, []

    def count(path: Path) -> object:
        read.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", count)
    assert [info.name for info in store.list("raw/07/chunks/")] == ["raw/07/chunks/0"]
    assert len(read) == 1
    read.clear()
    next(store.list("raw/"))
    assert len(read) == 3
    read.clear()
    assert len(list(store.list("raw/", start_after="raw/28/chunks/0"))) == 1
    assert len(read) == 1 + 2 + 2


def test_a_store_whose_folder_is_gone_is_not_ready(tmp_path: Path) -> None:
    with closing(FileBlobStore(tmp_path / "objects")) as store:
        store.check()
        (tmp_path / "objects").rename(tmp_path / "elsewhere")
        with pytest.raises(Retryable):
            store.check()
