from pathlib import Path

import pytest

from local_runner.data_dir import FolderInUse, keep_token, lock_folder


def test_one_runner_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with lock_folder(folder), pytest.raises(FolderInUse, match="another runner"), lock_folder(folder, wait_s=0):
        pass
    with lock_folder(folder, wait_s=0):
        pass


def test_the_token_is_made_once_and_is_its_owner_s(tmp_path: Path) -> None:
    token = keep_token(tmp_path)
    assert len(token) >= 24
    assert keep_token(tmp_path) == token
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_an_empty_token_file_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    (tmp_path / "token.new").write_text("left behind")
    assert keep_token(tmp_path)
