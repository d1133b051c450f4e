"""The smallest image, built and started for real. What the script says of the others is for CI to see."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cloudbuild.images import without_docker
from cloudbuild.images.without_docker import main

SCRIPT = "cloudbuild/images/without_docker.py"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ingest_is_built_and_answers_as_its_own_user_from_a_folder_that_it_cannot_write_to(
    pytestconfig: pytest.Config,
) -> None:
    root = pytestconfig.rootpath
    done = subprocess.run([sys.executable, SCRIPT, "ingest", "--json"], cwd=root, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    (image,) = told["images"]
    assert (told["failed"], image["faults"], image["ready"]) == (False, [], True)
    assert image["first_answer"] == {"status": "ok", "service": "ingest"}
    assert re.fullmatch(r"[0-9a-f]{40,64}|unknown", image["version"]["revision"])
    assert image["first_answer_s"] > 0
    assert image["user"] == ("65532:65532" if os.geteuid() == 0 else f"{os.getuid()} (not root here)")
    assert image["packages"] == installed_on_linux(root / "requirements" / "ingest.txt")
    assert image["packages_bytes"] > image["code_bytes"] > 0


def installed_on_linux(lock: Path) -> int:
    from packaging.requirements import Requirement

    text = lock.read_text().replace("\\\n", " ")
    lines = [Requirement(line.partition(" --hash=")[0]) for line in text.splitlines() if "==" in line.partition(";")[0]]
    environment = {"python_version": "3.12", "python_full_version": "3.12.1", "sys_platform": "linux"}
    return sum(each.marker is None or each.marker.evaluate(environment) for each in lines)


def test_a_service_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["ingest", "everything"])
    assert caught.value.code == 2
    assert "unknown: everything" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_does_not_work_is_said_with_what_it_printed_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(
        "ARG PYTHON_IMAGE=python:3.12-slim\nFROM ${PYTHON_IMAGE}\nWORKDIR /srv/turnscribe\n"
        "RUN python -m pip list --format=freeze && exit 7\nFROM ${PYTHON_IMAGE}\n"
    )
    monkeypatch.setattr(without_docker, "_dockerfile", lambda _service: path)
    assert main(["ingest"]) == 1
    told = capsys.readouterr().out
    assert "ingest: FAILED: line 4: RUN ended with 7:" in told
    installed = {line.partition("==")[0] for line in told.splitlines() if "==" in line}
    assert {"pip"} <= installed <= {"pip", "setuptools"}, "the base has nothing of this Python's packages"
