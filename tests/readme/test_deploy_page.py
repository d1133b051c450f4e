"""Each file, target, option, Terraform variable and output that docs/deploy.md names is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.terraform_variables import is_variable, outputs, variables
from tests.readme.conftest import Page

ROOT = Path(__file__).parents[2]
FOLDERS = ("terraform", "cloudbuild", "common", "docs", "turnscribe", "ingest_service", "transcribe_service")
ENVIRONMENTS = ROOT / "terraform" / "environments"
_CHDIR = re.compile(r"terraform -chdir=(\S+) (\w+)(.*)")


@pytest.fixture(scope="module")
def page() -> Page:
    path = ROOT / "docs" / "deploy.md"
    return Page(path, re.sub(r"^ {3,4}(?=\S| )", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE))


@pytest.fixture(scope="module")
def commands(page: Page) -> list[str]:
    """All commands, each on one line."""
    return "\n".join(page.blocks("sh")).replace("\\\n", " ").splitlines()


def test_steps_are_numbered_without_a_gap(page: Page) -> None:
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", page.text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 10


def test_the_commands_are_what_a_shell_takes(page: Page) -> None:
    script = "\n".join(page.blocks("sh"))
    assert subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False).stderr == ""


def test_every_file_that_is_named_is_there(page: Page) -> None:
    named = set(re.findall(rf"(?<![\w/.-])((?:{'|'.join(FOLDERS)})/[\w./-]*[\w])", page.text))
    assert {"terraform/build", "terraform/environments/dev", "cloudbuild/build.yaml"} <= named
    written = {name for name in named if name.endswith(".tfvars")}  # these are what a reader writes
    assert all((ROOT / f"{name}.example").is_file() for name in written)
    assert [name for name in named - written if not (ROOT / name).exists()] == []


def test_terraform_is_run_where_there_is_some_with_a_state_in_a_bucket(commands: list[str]) -> None:
    runs = [found.groups() for line in commands if (found := _CHDIR.search(line))]
    assert {verb for _, verb, _ in runs} == {"init", "apply", "output", "destroy"}
    for folder, verb, rest in runs:
        assert list((ROOT / folder).glob("*.tf")), folder
        if verb == "init":
            assert "-backend-config=" in rest
            assert 'backend "gcs"' in (ROOT / folder / "versions.tf").read_text()


def test_every_output_that_is_asked_for_is_there(page: Page) -> None:
    asked = set(re.findall(r"terraform -chdir=(\S+) output (?:-raw |-json )?(\w+)", page.text))
    asked |= {("terraform/build", "deployer_emails"), ("terraform/environments/dev", "dns_records")}
    assert {name for _, name in asked} >= {"read_api_token", "upload_command"}
    assert {(folder, name) for folder, name in asked if name not in outputs(ROOT / folder)} == set()


def test_every_variable_that_is_set_is_there(page: Page, commands: list[str]) -> None:
    for name in re.findall(r"TF_VAR_(\w+)", page.text):
        assert is_variable(ENVIRONMENTS / "dev", name), name
    for line in commands:
        if found := _CHDIR.search(line):
            for name in re.findall(r"-var[ =]'?\"?(\w+)=", found[3]):
                assert is_variable(ROOT / found[1], name), f"{found[1]}: {name}"
    files = re.findall(r"`(terraform/[\w/]+)/terraform\.tfvars`.*?```hcl\n(.*?)```", page.text, re.DOTALL)
    assert {folder for folder, _ in files} >= {"terraform/environments/dev"}
    for folder, written in files:
        names = set(re.findall(r"^(\w+)\s+=", written, re.MULTILINE))
        for line in commands:  # what a command adds
            names |= set(re.findall(rf'echo "(\w+) = .*>> {folder}/terraform\.tfvars', line))
        assert names <= variables(ROOT / folder).keys(), folder
        needed = {
            name
            for name, text in variables(ROOT / folder).items()
            if not re.search(r"^\s*default\s*=", text, re.MULTILINE)
        }
        assert needed <= names, f"{folder} wants more variables than the page gives it"


def test_environments_take_the_same_variables() -> None:
    taken = {folder.name: variables(folder).keys() for folder in ENVIRONMENTS.iterdir() if folder.is_dir()}
    assert taken.keys() == {"dev", "staging", "prod"}
    assert taken["dev"] == taken["staging"] == taken["prod"], "what the page says of dev is so of the others"


def test_the_build_is_the_trigger_s(page: Page) -> None:
    triggers = (ROOT / "terraform" / "build" / "triggers.tf").read_text()
    assert "cloudbuild/build.yaml" in page.text
    assert 'filename        = "cloudbuild/build.yaml"' in triggers


def test_what_make_is_asked_for_it_has(page: Page) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(page.blocks("sh")))) <= targets


def test_the_client_has_the_options_that_it_is_given(commands: list[str]) -> None:
    uploads = [line for line in commands if "turnscribe upload" in line]
    assert uploads
    shown = subprocess.run(
        [sys.executable, "-m", "turnscribe", "upload", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for option in re.findall(r"(--[a-z-]+)", " ".join(uploads)):
        assert option in shown


def test_dockerfiles_have_the_arguments_that_they_are_given(commands: list[str]) -> None:
    builds = [line for line in commands if "docker build" in line]
    assert builds
    for service in ("ingest", "segmenter", "transcribe"):
        dockerfile = (ROOT / f"{service}_service" / "Dockerfile").read_text()
        for name in re.findall(r"--build-arg \"?(\w+)=", " ".join(builds)):
            assert re.search(rf"^ARG {name}\b", dockerfile, re.MULTILINE)
