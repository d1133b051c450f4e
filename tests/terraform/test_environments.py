"""The environments are alike but for what main.tf says, and their examples say what there is to say."""

import re
from pathlib import Path

import pytest

from tests.terraform.installation import ENVIRONMENTS


@pytest.fixture(scope="session")
def environments(pytestconfig: pytest.Config) -> Path:
    """Their folder."""
    return pytestconfig.rootpath / "terraform" / "environments"


@pytest.mark.parametrize("file", ["variables.tf", "outputs.tf", "terraform.tfvars.example"])
def test_what_is_said_of_each_environment_is_the_same(environments: Path, file: str) -> None:
    assert len({(environments / name / file).read_text() for name in ENVIRONMENTS}) == 1


def test_each_has_a_state_of_its_own(environments: Path) -> None:
    for name in ENVIRONMENTS:
        assert f'prefix = "turnscribe/{name}"' in (environments / name / "versions.tf").read_text()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_variable_reaches_the_module(environments: Path, name: str) -> None:
    declared = set(re.findall(r'^variable "(\w+)"', (environments / name / "variables.tf").read_text(), re.MULTILINE))
    used = set(re.findall(r"\bvar\.(\w+)", (environments / name / "main.tf").read_text()))
    assert declared == used


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_example_names_no_variable_that_there_is_not(environments: Path, name: str) -> None:
    declared = set(re.findall(r'^variable "(\w+)"', (environments / name / "variables.tf").read_text(), re.MULTILINE))
    example = (environments / name / "terraform.tfvars.example").read_text()
    said = set(re.findall(r"^(?:# )?(\w+) +=", example, re.MULTILINE))
    assert said
    assert said <= declared


def test_no_example_invites_to_write_a_token_into_a_file(environments: Path) -> None:
    example = (environments / "prod" / "terraform.tfvars.example").read_text()
    assert re.findall(r"^(?:# )?\w*_token *=", example, re.MULTILINE) == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_is_one_module_and_nothing_else(environments: Path, name: str) -> None:
    text = "".join(file.read_text() for file in (environments / name).glob("*.tf"))
    assert re.findall(r"^module ", text, re.MULTILINE) == ["module "]
    assert re.findall(r"^(?:resource|locals)\b", text, re.MULTILINE) == []
    assert re.findall(r'^data "(\w+)"', text, re.MULTILINE) == ["google_project"]
