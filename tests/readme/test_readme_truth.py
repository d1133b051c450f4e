"""What the pages name is there: targets, files, settings, routes."""

import re
import subprocess
from pathlib import Path

import pytest

from docs.generate_settings import SECTIONS
from tests.readme.conftest import Page

_TARGET = re.compile(r"^([a-z]+):.*## (.+)$", re.MULTILINE)
_MAKE = re.compile(r"\bmake ([a-z]+)\b")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_VARIABLE = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`")
_ROUTE = re.compile(r"^\| `(GET|PUT|POST) (/[^ ?`]+)", re.MULTILINE)
PROSE = {"sure"}
"""Words that follow "make" in sentences."""


@pytest.fixture(scope="module")
def targets(root: Path) -> dict[str, str]:
    """Target → what `make help` says about it."""
    return dict(_TARGET.findall((root / "Makefile").read_text()))


def test_every_make_command_is_a_target_that_explains_itself(pages: list[Page], targets: dict[str, str]) -> None:
    commands = "\n".join(
        part for page in pages for part in [*page.blocks("sh"), *re.findall(r"`([^`\n]*make [^`\n]*)`", page.text)]
    )
    named = set(_MAKE.findall(commands))
    assert named - PROSE <= targets.keys()
    assert {"demo", "test"} <= named


def test_every_target_is_phony_and_listed(root: Path, targets: dict[str, str]) -> None:
    makefile = (root / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(phony.group(1).split()) == targets.keys()
    listed = subprocess.run(["make", "-s"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in listed and explained in listed for target, explained in targets.items())


def test_every_link_leads_to_a_file(pages: list[Page]) -> None:
    broken = [
        f"{page.path.name}: {link}"
        for page in pages
        for link in _LINK.findall(page.text)
        if "://" not in link and not (page.path.parent / link).exists()
    ]
    assert broken == []


def test_every_test_that_a_page_names_exists(root: Path, pages: list[Page]) -> None:
    written = "\n".join(path.read_text() for path in (root / "tests").rglob("test_*.py"))
    named = {name for page in pages for name in re.findall(r"`(test_\w+)`", page.text)}
    assert named
    assert [name for name in sorted(named) if f"def {name}(" not in written] == []


def test_every_variable_is_a_setting(pages: list[Page]) -> None:
    known = {name.upper() for _, cls in SECTIONS for name in cls.__struct_fields__}
    named = {name for page in pages for name in _VARIABLE.findall(page.text) if not name.startswith("TURNSCRIBE_")}
    assert named <= known


def test_every_route_of_the_readme_exists(root: Path, readme: Page) -> None:
    # Another test compares the page with what the routes say about themselves.
    reference = (root / "docs" / "http.md").read_text()
    named = _ROUTE.findall(readme.text)
    assert named
    assert [f"{method} {path}" for method, path in named if f"### `{method} {path}`\n" not in reference] == []


def test_every_folder_of_the_map_exists(root: Path, readme: Page) -> None:
    lines = next(block for block in readme.blocks("text") if "common/" in block).splitlines()
    folders = {line.split("/")[0] for line in lines}
    assert all((root / folder).is_dir() for folder in folders)
    packages = {path.parent.name for path in root.glob("*/__init__.py")}
    assert packages <= folders
