"""Cloud Build's files, read, and run as Cloud Build would but for its images: each step's script, one after the other."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "cloudbuild"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))

BUILT_IN = {"PROJECT_ID", "BUILD_ID", "LOCATION", "COMMIT_SHA", "SERVICE_ACCOUNT_EMAIL"}
"""Substitutions of Cloud Build's own that are used here."""


class BuildFile:
    """One of cloudbuild/*.yaml."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.content: Mapping[str, Any] = yaml.safe_load((FOLDER / name).read_text())

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        return self.content["steps"]  # type: ignore[no-any-return]

    def step(self, step_id: str) -> Mapping[str, Any]:
        return next(step for step in self.steps if step["id"] == step_id)

    @property
    def substitutions(self) -> Mapping[str, str]:
        return self.content.get("substitutions", {})

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """Variable → value with substitutions in it."""
        return dict(pair.split("=", 1) for pair in self.content["options"].get("env", []))

    @cached_property
    def called(self) -> Sequence[Path]:
        """Shell scripts that its steps call, and those that these source."""
        found: list[Path] = []
        texts = [step["script"] for step in self.steps]
        while texts:
            for name in re.findall(r"cloudbuild/[a-z_]+\.sh", texts.pop()):
                if ROOT / name not in found:
                    found.append(ROOT / name)
                    texts.append((ROOT / name).read_text())
        return found

    def run(self, workspace: Path, programs: Path, substitutions: Mapping[str, str], **built_in: str) -> str:
        """Every step in `workspace`. Returns what they printed. Raises `AssertionError` at the first that fails."""
        assert built_in.keys() <= BUILT_IN
        values = {**self.substitutions, **substitutions, **built_in}
        assert substitutions.keys() <= self.substitutions.keys()
        environment = {
            name: re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], value).replace("/workspace", str(workspace))
            for name, value in self.environment.items()
        }
        said = ""
        for step in self.steps:
            script = step["script"]
            program = workspace / ".step"
            program.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}")
            program.chmod(0o755)
            done = subprocess.run(
                [program],
                cwd=workspace,
                env={
                    **{name: value for name, value in os.environ.items() if name.startswith("FAKE_") or name == "HOME"},
                    **environment,
                    "PATH": f"{programs}:{os.environ['PATH']}",
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            said += done.stdout + done.stderr
            assert done.returncode == 0, f"step {step['id']} of {self.name}: status {done.returncode}\n{said}"
        return said
