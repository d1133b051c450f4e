"""Who may import whom. The services share `common` and nothing else; the client speaks HTTP and knows none of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICES = {"ingest_service", "segmenter_service", "transcribe_service", "whisper_service"}
PACKAGES = SERVICES | {"common", "local_cloud", "local_runner", "turnscribe"}
ALLOWED = {
    "common": set[str](),
    "ingest_service": {"common"},
    "segmenter_service": {"common"},
    "transcribe_service": {"common"},
    "whisper_service": {"common"},
    "local_runner": {"common"} | SERVICES,
    "local_cloud": {"common", "local_runner"} | SERVICES,
    "turnscribe": set[str](),
}
"""The local runner starts Whisper as a process and may read its settings class; the client starts the runner by its name."""


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_imports_only_what_it_may(root: Path, package: str) -> None:
    wrong = [
        f"{path.relative_to(root)} imports {name}"
        for path in (root / package).rglob("*.py")
        for name in imported(path)
        if (top := name.partition(".")[0]) in PACKAGES and top != package and top not in ALLOWED[package]
    ]
    assert wrong == []


def test_only_composition_roots_choose_adapters(root: Path) -> None:
    wrong = [
        f"{path.relative_to(root)} imports {name}"
        for package in sorted(SERVICES)
        for path in (root / package).rglob("*.py")
        if path.name != "bootstrap.py"
        for name in imported(path)
        if name.startswith("common.adapters")
    ]
    assert wrong == []


def test_only_starting_points_read_the_environment(root: Path) -> None:
    starting_points = {"bootstrap.py", "__main__.py", "cli.py", "command.py", "gunicorn_conf.py", "local_server.py"}
    wrong = [
        str(path.relative_to(root))
        for package in sorted(PACKAGES)
        for path in (root / package).rglob("*.py")
        if path.name not in starting_points and reads_environment(path)
    ]
    assert wrong == []


def reads_environment(path: Path) -> bool:
    """Whether a file mentions `os.environ` or `os.getenv`."""
    return any(
        isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
        for node in ast.walk(ast.parse(path.read_text()))
    )
