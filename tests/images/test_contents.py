from pathlib import Path

import pytest

from cloudbuild.images.contents import compiled, contents

TAG = "cpython-312"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An image with one package and one module, both compiled."""
    for name, size in (("packages/p.py", 100), ("packages/p-1.0.dist-info/METADATA", 50), ("code/common/c.py", 7)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"#" * size)
        path.chmod(0o644)
        if path.suffix == ".py":
            compiled(path, TAG).parent.mkdir()
            compiled(path, TAG).write_bytes(b"x")
    return tmp_path


def test_packages_and_code_are_measured_apart(folder: Path) -> None:
    found = contents(folder, TAG)
    assert (found.packages, found.packages_bytes, found.code_bytes, found.faults) == (1, 151, 8, ())


@pytest.mark.parametrize(
    ("name", "mode", "fault"),
    [
        ("packages/bin/su", 0o4755, "is set-uid or set-gid"),
        ("packages/bin/write", 0o2755, "is set-uid or set-gid"),
        ("packages/bin/gcc", 0o755, "is a compiler"),
        ("code/open.json", 0o666, "can be written by everybody"),
        ("code/closed.json", 0o600, "cannot be read by the image's user"),
        ("code/common/new.py", 0o644, "is not compiled"),
    ],
)
def test_what_should_not_be_there_is_named(folder: Path, name: str, mode: int, fault: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 1")
    path.chmod(mode)
    assert contents(folder, TAG).faults == (f"{name} {fault}",)


def test_a_module_that_another_python_compiled_is_not_compiled(folder: Path) -> None:
    assert len(contents(folder, "cpython-313").faults) == 2
