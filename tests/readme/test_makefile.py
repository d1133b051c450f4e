"""`make setup` where Python is not as it should be: it says what is missing and how to get it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A folder, with a space in its name, that has a Makefile and nothing to install."""
    folder = tmp_path / "a project"
    (folder / "requirements").mkdir(parents=True)
    shutil.copy(root / "Makefile", folder)
    (folder / "requirements" / "dev.txt").touch()
    (folder / "pyproject.toml").touch()
    return folder


def make(folder: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run make there, with none of the variables of a make around this test."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    environ["PATH"] = path or environ["PATH"]
    program = shutil.which("make")
    assert program is not None
    return subprocess.run([program, *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=60)


def script(path: Path, body: str) -> Path:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_python_without_ensurepip_names_the_package(project: Path) -> None:
    python = script(project / "python", f'case "$*" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"')
    result = make(project, "setup", f"PYTHON={python}")
    assert result.returncode != 0
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install python{version}-venv" in result.stderr
    assert not (project / ".venv").exists()


def test_a_machine_without_a_fitting_python_says_so(project: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    script(programs / "python3", "exit 1")
    shell = shutil.which("sh")
    assert shell is not None
    (programs / "sh").symlink_to(shell)
    result = make(project, "setup", path=str(programs))
    assert result.returncode != 0
    assert "wants Python 3.11 or newer" in result.stderr


def test_an_old_python3_is_passed_over(project: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    script(programs / "python3", "exit 1")
    script(programs / "python3.12", f'exec "{sys.executable}" "$@"')
    result = make(project, "-n", "setup", path=f"{programs}:{os.environ['PATH']}")
    assert result.returncode == 0
    assert "Making .venv with python3.1" in result.stdout
    assert "Making .venv with python3'" not in result.stdout
