"""Rules that hold for every file of the project."""

import tomllib
from pathlib import Path

from common import __version__

LARGEST_BYTES = 1_000_000


def test_no_tracked_file_is_over_a_megabyte(tracked: list[Path]) -> None:
    assert [path for path in tracked if path.stat().st_size > LARGEST_BYTES] == []


def test_the_version_stands_once_for_each_reader(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
    assert f"## [{__version__}]" in (root / "CHANGELOG.md").read_text()


def test_every_package_is_in_the_wheel_and_type_checked(root: Path) -> None:
    configuration = tomllib.loads((root / "pyproject.toml").read_text())["tool"]
    packages = {path.parent.name for path in root.glob("*/__init__.py")} - {"bench"}
    assert packages == set(configuration["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert packages <= set(configuration["mypy"]["packages"])
