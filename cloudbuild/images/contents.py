"""What is in an image's folder: how much, whether it is compiled, and whether anything is there that should not be."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COMPILERS: Final = frozenset(
    {"gcc", "g++", "cc", "c++", "cpp", "clang", "clang++", "tcc", "ld", "as", "make", "cmake", "ninja", "rustc", "cargo", "go", "nvcc"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contents:
    """Sizes and faults."""

    packages: int
    """Distributions that are installed."""
    packages_bytes: int
    code_bytes: int
    faults: tuple[str, ...]


def contents(folder: Path, tag: str) -> Contents:
    """Look at all of `/srv/turnscribe`, which `folder` is. `tag` is of the compiled files, such as `cpython-312`."""
    packages, code = folder / "packages", folder / "code"
    return Contents(
        packages=len(list(packages.glob("*.dist-info"))),
        packages_bytes=_size(packages),
        code_bytes=_size(code),
        faults=tuple(_faults(folder, tag)),
    )


def files(folder: Path) -> Iterator[Path]:
    """All that is no folder."""
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def compiled(source: Path, tag: str) -> Path:
    """Where Python looks for what it made of a module."""
    return source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in files(folder))


def _faults(folder: Path, tag: str) -> Iterator[str]:
    for path in files(folder):
        mode, name = path.lstat().st_mode, path.relative_to(folder)
        if mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"{name} is set-uid or set-gid"
        if not stat.S_ISLNK(mode) and mode & stat.S_IWOTH:
            yield f"{name} can be written by everybody"
        if not stat.S_ISLNK(mode) and not mode & stat.S_IROTH:
            yield f"{name} cannot be read by the image's user"
        if path.name in COMPILERS and mode & stat.S_IXUSR:
            yield f"{name} is a compiler"
        if path.suffix == ".py" and not compiled(path, tag).exists():
            yield f"{name} is not compiled"
