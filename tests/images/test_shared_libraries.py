import importlib.util
import shutil
from pathlib import Path

import pytest

from cloudbuild.images.shared_libraries import needed, without_library


@pytest.fixture
def library() -> Path:
    """A compiled module that is installed."""
    spec = importlib.util.find_spec("msgspec._core")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def test_a_compiled_module_needs_the_c_library(library: Path) -> None:
    assert "libc.so.6" in needed(library)


@pytest.mark.parametrize(
    "data", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(100), b"\xcf\xfa\xed\xfe" + bytes(100)]
)
def test_other_files_need_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.so").write_bytes(data)
    assert needed(tmp_path / "x.so") == []


def test_a_library_that_is_nowhere_is_named(tmp_path: Path, library: Path) -> None:
    shutil.copy(library, tmp_path / "x.cpython-312-x86_64-linux-gnu.so")
    assert list(without_library(tmp_path)) == []
    lines = list(without_library(tmp_path, base=frozenset()))
    assert any("needs libc.so.6, which is neither there" in line for line in lines)


def test_a_library_that_the_packages_bring_along_is_there(tmp_path: Path, library: Path) -> None:
    shutil.copy(library, tmp_path / "x.so")
    for name in needed(library):
        (tmp_path / name).write_bytes(b"")
    assert list(without_library(tmp_path, base=frozenset())) == []
