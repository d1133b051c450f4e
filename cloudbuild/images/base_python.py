"""What stands in for the base image: a Python of its version with nothing installed but pip, which the image's user can run."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ASK: Final = """
import ensurepip, json, os, platform, sys, sysconfig, venv
print(json.dumps({
    "executable": os.path.realpath(sys.executable),
    "version": platform.python_version(),
    "stdlib": sysconfig.get_path("stdlib"),
    "libraries": os.path.join(sys.base_prefix, "lib"),
}))
"""
_NOT_COPIED: Final = shutil.ignore_patterns(
    "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "config-*"
)
_FORGOTTEN: Final = ("PYTHON", "VIRTUAL_ENV", "PIP_REQUIRE", "LD_LIBRARY_PATH")
"""Beginnings of the names of variables that would lead this Python to another one's packages."""


@dataclass(frozen=True, slots=True)
class BasePython:
    """A Python to build with and to run on."""

    folder: Path
    """Its `bin` has `python`."""
    version: str
    origin: str
    """Where it was found, in words."""
    libraries: Path | None
    """Where its shared library is, if it is not where it was built for."""

    def environ(self, own: Mapping[str, str]) -> dict[str, str]:
        """`own`, with this Python first on PATH."""
        environ = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **own}
        environ["PATH"] = f"{self.folder / 'bin'}{os.pathsep}{environ['PATH']}"
        if self.libraries is not None:
            environ["LD_LIBRARY_PATH"] = os.pathsep.join(
                filter(None, (own.get("LD_LIBRARY_PATH"), str(self.libraries)))
            )
        return environ

    def build_environ(self, own: Mapping[str, str]) -> dict[str, str]:
        """`own` for a command that builds: how this machine reaches its package index is the machine's business."""
        machine = {name: value for name, value in os.environ.items() if not name.startswith(_FORGOTTEN)}
        return self.environ({**machine, **own})


def base_python(image: str, folder: Path) -> BasePython:
    """The stand-in for an image such as `python:3.12-slim` or `python:3.12-slim@sha256:…`, made in `folder`.

    It is of the image's version where one is found here, else the Python that runs this, which `origin` says.
    """
    match = re.match(r"python:(\d+\.\d+)\b", image)
    wanted = match[1] if match else ""
    found = next(filter(None, map(_asked, _candidates(wanted))), None)
    if found is not None and found["version"].startswith(f"{wanted}."):
        origin = f"{found['executable']}, of the image's version"
    else:
        found = _asked(sys.executable)
        if found is None:
            raise RuntimeError(f"{sys.executable} cannot make a virtual environment: it has no ensurepip")
        origin = f"{found['executable']}, as no Python {wanted} was found here"
    executable, libraries = found["executable"], None
    if os.geteuid() == 0 and not _open_to_all(Path(found["stdlib"])):
        origin += ", copied to where everybody may run it"
        executable, libraries = _copy(found, folder / "python")
    made = BasePython(folder / "base", found["version"], origin, libraries)
    made_by = made.build_environ({})
    subprocess.run([executable, "-m", "venv", str(made.folder)], env=made_by, check=True, capture_output=True)  # noqa: S603
    return made


def _candidates(version: str) -> Iterator[str]:
    """Names and paths that may be a Python of that version."""
    yield f"python{version}"
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(str(path) for path in root.glob(f"versions/{version}.*/bin/python"))


def _asked(python: str) -> dict[str, str] | None:
    """What a Python says of itself; None where it does not run, or cannot make virtual environments."""
    try:
        told = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    found: dict[str, str] = json.loads(told.stdout)
    return found


def _open_to_all(path: Path) -> bool:
    return all(each.stat().st_mode & stat.S_IXOTH for each in (path, *path.parents))


def _copy(found: Mapping[str, str], to: Path) -> tuple[str, Path]:
    """Interpreter, standard library and shared library."""
    stdlib, libraries = Path(found["stdlib"]), Path(found["libraries"])
    shutil.copytree(stdlib, to / "lib" / stdlib.name, symlinks=True, ignore=_NOT_COPIED)
    for library in libraries.glob("libpython*.so*"):
        shutil.copy2(library, to / "lib" / library.name, follow_symlinks=False)
    executable = to / "bin" / Path(found["executable"]).name
    executable.parent.mkdir()
    shutil.copy2(found["executable"], executable)
    return str(executable), to / "lib"
