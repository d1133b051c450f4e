"""The threat model and SECURITY.md name tests, files and settings that there are; and what they say of the code as a whole is so."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.security.conftest import ROOT

PAGES = ("docs/threat-model.md", "SECURITY.md")
NO_SETTINGS = {"SHA_256"}
SOURCES = (
    "common",
    "ingest_service",
    "segmenter_service",
    "transcribe_service",
    "whisper_service",
    "local_cloud",
    "local_runner",
    "turnscribe",
)


@cache
def names_of_tests() -> frozenset[str]:
    texts = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return frozenset(
        name for text in texts for name in re.findall(r"^ *(?:async )?def (test_\w+)\(", text, re.MULTILINE)
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / page).read_text()))
    assert named - names_of_tests() == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    path = ROOT / page
    targets = re.findall(r"\]\(([^)]+)\)", path.read_text())
    assert targets
    for target in targets:
        assert target.startswith("https://") or (path.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_is_named_exists(page: str) -> None:
    settings = set(re.findall(r"^\| `([A-Z_0-9]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", (ROOT / page).read_text()))
    assert named - settings - NO_SETTINGS == set()


def test_each_threat_names_what_shows_that_something_stands_against_it() -> None:
    rows = re.findall(r"^\| [STRIDE] \| .*", (ROOT / PAGES[0]).read_text(), re.MULTILINE)
    assert len(rows) > 40
    for row in rows:
        assert row.count(" | ") == 3, row
        assert "`test_" in row.rsplit(" | ", 1)[1], row
    assert {row[2] for row in rows} == set("STRIDE")


def test_each_boundary_says_what_remains() -> None:
    boundaries = (ROOT / PAGES[0]).read_text().split("\n### ")[1:]
    assert [each[0] for each in boundaries] == list("1234567")
    for each in boundaries:
        assert re.search(r"\nWhat remains:\n\n- ", each), each[:40]


def sources() -> list[tuple[str, str]]:
    paths = [path for package in SOURCES for path in sorted((ROOT / package).rglob("*.py"))]
    return [(str(path.relative_to(ROOT)), path.read_text()) for path in paths]


def test_nothing_is_unpickled_evaluated_or_run_in_a_shell() -> None:
    forbidden = re.compile(
        r"\b(import (pickle|marshal|shelve|dill)|from (pickle|marshal|shelve) |yaml\.load\(|os\.system\(|os\.popen\(|shell=True)"
        r"|(?<![.\w])(eval|exec)\(|cert_reqs=\"?(CERT_NONE|NONE)|assert_hostname=False|_create_unverified_context|check_hostname = False"
    )
    found = {name: match.group(0) for name, text in sources() if (match := forbidden.search(text))}
    assert len(sources()) > 250
    assert found == {}


def test_nothing_comes_from_npm_and_no_script_from_elsewhere(tracked: list[str]) -> None:
    assert [path for path in tracked if Path(path).name in {"package.json", "package-lock.json", "yarn.lock"}] == []
    for path in (path for path in tracked if Path(path).suffix in {".js", ".html"} and not path.startswith("tests/")):
        text = (ROOT / path).read_text()
        assert not re.search(r"""(src|href)="(https?:)?//|(from|import\() ?["'](https?:)?//|importScripts\(""", text), (
            path
        )


def test_every_exception_from_the_security_rules_says_why(tracked: list[str]) -> None:
    """Ruff's S rules; what is for a process of our own, or for chance that guards nothing, says so beside it."""
    for path in (path for path in tracked if path.endswith(".py") and path.split("/")[0] in SOURCES):
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            excepted = re.search(r"# noqa: ?((?:[A-Z]+\d+, ?)*S\d{3}(?:, ?[A-Z]+\d+)*)(.*)", line)
            assert not excepted or re.match(r" +-{1,2} \w", excepted[2]), f"{path}:{number}"
