import os
from pathlib import Path

import pytest

from common.adapters.embedded.folder_objects import FolderObjects, file_uri
from common.errors import Permanent, Retryable


@pytest.fixture
def objects(tmp_path: Path) -> FolderObjects:
    (tmp_path / "in" / "folder").mkdir(parents=True)
    (tmp_path / "in" / "a.ogg").write_bytes(b"OggS")
    (tmp_path / "secret").write_bytes(b"secret")
    return FolderObjects(tmp_path / "in")


@pytest.mark.parametrize("name", ["../secret", "/secret", "folder/../a.ogg", "./a.ogg", "a.ogg/", "a\0b"])
def test_nothing_outside_the_folder_can_be_named(objects: FolderObjects, name: str) -> None:
    with pytest.raises(Permanent) as caught:
        objects.stat(file_uri(name))
    assert caught.value.reason == "invalid_uri"


def test_links_and_folders_and_pipes_are_no_files(objects: FolderObjects, tmp_path: Path) -> None:
    (tmp_path / "in" / "link.ogg").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "in" / "pipe.ogg")
    for name in ("folder", "pipe.ogg", "a.ogg/b"):
        with pytest.raises(Permanent) as caught:
            objects.stat(file_uri(name))
        assert caught.value.reason == "source_not_found"
    with pytest.raises(Retryable):
        objects.stat(file_uri("link.ogg"))


def test_there_are_no_buckets(objects: FolderObjects) -> None:
    with pytest.raises(Permanent, match="no buckets") as caught:
        objects.stat("gs://bucket/a.ogg")
    assert caught.value.reason == "no_source_objects"


def test_a_file_that_grows_is_another_version(objects: FolderObjects, tmp_path: Path) -> None:
    found = objects.stat(file_uri("a.ogg"))
    with (tmp_path / "in" / "a.ogg").open("ab") as file:
        file.write(b"more")
    with pytest.raises(Permanent) as caught:
        objects.read(found, 0, 4)
    assert caught.value.reason == "source_not_found"
