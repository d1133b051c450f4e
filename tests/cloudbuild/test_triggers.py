"""The triggers of terraform/build against the builds that they begin."""

import re

import pytest

from tests.cloudbuild.build_file import ROOT, BuildFile

TERRAFORM = (ROOT / "terraform" / "build" / "triggers.tf").read_text()
TRIGGERS = dict(re.findall(r'(?ms)^resource "google_cloudbuild_trigger" "(\w+)" \{\n(.*?)^\}', TERRAFORM))


def build_of(trigger: str) -> BuildFile:
    found = re.search(r'\b(?:filename|path) += "cloudbuild/([a-z-]+\.yaml)"', TRIGGERS[trigger])
    assert found
    return BuildFile(found[1])


def handed_in(trigger: str) -> set[str]:
    """Names of the substitutions."""
    names = set(re.findall(r"\b(_[A-Z0-9_]+) += ", TRIGGERS[trigger]))
    if "local.deploy_substitutions[each.key]" in TRIGGERS[trigger]:
        common = re.search(r"(?ms)deploy_substitutions = \{.*?^  \}", TERRAFORM)
        assert common
        names |= set(re.findall(r"\b(_[A-Z0-9_]+) += ", common[0]))
    return names


def test_every_build_has_a_trigger() -> None:
    assert {trigger: build_of(trigger).name for trigger in TRIGGERS} == {
        "pull_request": "pr.yaml",
        "build": "build.yaml",
        "deploy": "deploy.yaml",
        "deploy_automatically": "deploy.yaml",
        "plan": "terraform.yaml",
        "apply": "terraform-apply.yaml",
    }


@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_a_trigger_hands_in_what_its_build_wants_and_nothing_else(trigger: str) -> None:
    assert handed_in(trigger) == set(build_of(trigger).substitutions)


@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_a_trigger_names_its_account(trigger: str) -> None:
    assert re.search(r"service_account +=", TRIGGERS[trigger]), "it would run as the project's default account"


@pytest.mark.parametrize(
    ("told_by", "step", "trigger"), [("build", "tell", "deploy_automatically"), ("plan", "keep", "apply")]
)
def test_what_one_build_tells_is_what_the_other_takes(told_by: str, step: str, trigger: str) -> None:
    message = re.search(r'--message="(.*)"', build_of(told_by).step(step)["script"])
    assert message
    told = set(re.findall(r'\\"(\w+)\\":', message[1]))
    assert told == set(re.findall(r"\$\(body\.message\.data\.(\w+)\)", TRIGGERS[trigger]))


def test_defaults_of_a_deployment_are_the_same_in_both_places() -> None:
    variables = (ROOT / "terraform" / "build" / "variables.tf").read_text()
    for name, default in build_of("deploy").substitutions.items():
        declared = re.search(rf"\b{name[1:].lower()} += optional\((?:number|string), (.*)\)", variables)
        if declared:
            assert declared[1].strip('"') == default, name


def test_python_and_buildkit_are_the_same_in_both_places() -> None:
    variables = (ROOT / "terraform" / "build" / "variables.tf").read_text()
    for name in ("_PYTHON_IMAGE", "_BUILDKIT_IMAGE"):
        assert f'"{build_of("build").substitutions[name]}"' in variables


def test_terraform_may_grant_the_roles_that_the_modules_grant_on_a_project_and_no_others() -> None:
    grants = "\n".join(
        grant
        for path in (ROOT / "terraform" / "modules").rglob("*.tf")
        for grant in re.findall(r'(?ms)^resource "google_project_iam_member" .*?^\}', path.read_text())
    )
    granted = set(re.findall(r'"(roles/[\w.]+)"', grants))
    assert len(re.findall(r"(?m)^  role +=", grants)) == len(re.findall(r'(?m)^  role +=  *"roles/', grants)), (
        "not seen here"
    )
    allowed = re.search(r"granted_roles = \[(.*?)\]", (ROOT / "terraform" / "build" / "environments.tf").read_text())
    assert allowed
    assert set(re.findall(r'"(roles/[\w.]+)"', allowed[1])) == granted
