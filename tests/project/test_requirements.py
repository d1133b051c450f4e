"""The lock files: complete, pinned by hash, free of addresses, and in step with pyproject.toml. Nothing is downloaded."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("dev", "ingest", "segmenter", "transcribe", "whisper", "whisper-gpu")
CUDA = {"nvidia-cublas-cu12", "nvidia-cuda-nvrtc-cu12"}
PYTHONS = ("3.11", "3.12", "3.13")


def locked(root: Path, name: str) -> list[tuple[Requirement, int]]:
    """Each requirement of a lock file with the number of its hashes."""
    text = (root / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(Requirement(line.partition(" --hash=")[0]), line.count("--hash=sha256:")) for line in lines]


def pinned(root: Path, name: str, python: str) -> dict[str, str]:
    """Package → version of what a lock file installs on Linux with that Python."""
    environment = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    return {
        canonicalize_name(requirement.name): str(requirement.specifier).removeprefix("==")
        for requirement, _ in locked(root, name)
        if requirement.marker is None or requirement.marker.evaluate(environment)
    }


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    """The `[project]` table."""
    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return table


def wanted(project: dict[str, Any], extra: str) -> list[Requirement]:
    """What `turnscribe[extra]` asks for itself, extras of its own followed."""
    requirements = [Requirement(line) for line in project["dependencies"]]
    names = [extra]
    while names:
        for requirement in map(Requirement, project["optional-dependencies"][names.pop()]):
            if requirement.name == "turnscribe":
                names += sorted(requirement.extras)
            else:
                requirements.append(requirement)
    return requirements


@pytest.mark.parametrize("name", [*LOCKS, "checkov", "audit"])
def test_every_requirement_is_one_version_with_its_hashes(root: Path, name: str) -> None:
    for requirement, hashes in locked(root, name):
        assert re.fullmatch(r"==[\w.+!-]+", str(requirement.specifier)), requirement
        assert hashes, requirement


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_holds_what_the_project_asks_for(root: Path, project: dict[str, Any], name: str, python: str) -> None:
    versions = pinned(root, name, python)
    for requirement in wanted(project, name):
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            version = versions.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement} is not in {name}.txt: make lock"
            assert requirement.specifier.contains(version), f"{name}.txt has {version}, not {requirement}: make lock"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", [name for name in LOCKS if name != "dev"])
def test_an_image_runs_the_versions_that_the_tests_ran(root: Path, name: str, python: str) -> None:
    # No test has a GPU, so these stand in no other lock.
    versions = {package: version for package, version in pinned(root, name, python).items() if package not in CUDA}
    assert versions.items() <= pinned(root, "dev", python).items()


def test_the_segmenter_carries_silero_without_whisper(root: Path) -> None:
    packages = pinned(root, "segmenter", "3.12").keys()
    assert {"faster-whisper", "onnxruntime", "av"} <= packages
    assert not {"ctranslate2", "tokenizers", "huggingface-hub"} & packages


@pytest.mark.parametrize("name", [*LOCKS, "checkov", "audit", "segmenter-overrides"])
def test_no_lock_names_an_address(root: Path, name: str) -> None:
    text = (root / "requirements" / f"{name}.txt").read_text()
    assert not re.search(r"://|--index-url|--extra-index-url|--find-links|--trusted-host|\bfile:", text)
