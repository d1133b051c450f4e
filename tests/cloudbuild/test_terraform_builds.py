"""terraform.yaml and terraform-apply.yaml, step by step, with the real Terraform on an environment that needs no provider."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cloudbuild.build_file import BuildFile
from tests.cloudbuild.cloud import Cloud

PLAN, APPLY = BuildFile("terraform.yaml"), BuildFile("terraform-apply.yaml")
TERRAFORM = shutil.which("terraform")
TOY = """
terraform {{
  backend "local" {{
    path = "{state}"
  }}
}}

variable "greeting" {{
  type = string
}}

resource "terraform_data" "this" {{
  input = "${{var.greeting}} ${{file("${{path.module}}/../../../common/word.json")}}"
}}

output "said" {{
  value = terraform_data.this.output
}}
"""
pytestmark = [pytest.mark.slow, pytest.mark.component("terraform")]


@pytest.fixture
def programs(cloud: Cloud) -> Path:
    """gcloud, and a terraform that is told of no bucket, because the environment's state is a file."""
    folder = cloud.file.parent / "bin"
    (folder / "terraform").write_text(
        f"""#!/usr/bin/env bash
arguments=()
for argument in "$@"; do [[ $argument == -backend-config=bucket=states ]] || arguments+=("$argument"); done
exec {TERRAFORM} "${{arguments[@]}}"
"""
    )
    (folder / "terraform").chmod(0o755)
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """What is on the branch, and the environment's variables in their bucket."""
    folder = tmp_path / "sources"
    environment = folder / "terraform" / "environments" / "toy"
    environment.mkdir(parents=True)
    (environment / "main.tf").write_text(TOY.format(state=tmp_path / "state").lstrip())
    (folder / "common").mkdir()
    (folder / "common" / "word.json").write_text('"world"')
    objects = tmp_path / "gs" / "states"
    objects.mkdir(parents=True)
    (objects / "toy.tfvars").write_text('greeting = "hello"\n')
    return folder


def plan(sources: Path, programs: Path, build: str = "plan-1") -> str:
    workspace = programs.parent / build
    shutil.copytree(sources, workspace)
    return PLAN.run(
        workspace,
        programs,
        {
            "_ENVIRONMENT": "toy",
            "_STATE_BUCKET": "states",
            "_VARIABLES": "gs://states/toy.tfvars",
            "_PLANS": "plans",
            "_TOPIC": "projects/builds/topics/plans",
        },
        BUILD_ID=build,
    )


def apply(cloud: Cloud, programs: Path, **more: str) -> str:
    """With what the newest plan has told."""
    told = json.loads(cloud.read()["published"][-1][1])
    workspace = programs.parent / f"apply-{len(list(programs.parent.glob('apply-*')))}"
    workspace.mkdir()
    given = {"_ENVIRONMENT": "toy", "_STATE_BUCKET": "states", "_PLANS": "plans"}
    return APPLY.run(workspace, programs, given | {"_PLAN": told["plan"], "_SHA256": told["sha256"]} | more)


def test_what_was_shown_is_what_is_applied_whatever_is_on_the_branch_by_then(
    cloud: Cloud, sources: Path, programs: Path
) -> None:
    assert "terraform_data.this will be created" in plan(sources, programs)
    (sources / "common" / "word.json").write_text('"somebody else"')
    said = apply(cloud, programs)
    assert "1 added, 0 changed, 0 destroyed" in said
    assert 'hello \\"world\\"' in said


def test_where_there_is_nothing_to_do_nobody_is_asked_to_approve(cloud: Cloud, sources: Path, programs: Path) -> None:
    plan(sources, programs)
    apply(cloud, programs)
    assert "There is nothing to do." in plan(sources, programs, "plan-2")
    assert len(cloud.read()["published"]) == 1


def test_a_plan_that_the_state_has_moved_on_from_is_refused(cloud: Cloud, sources: Path, programs: Path) -> None:
    plan(sources, programs)
    apply(cloud, programs)
    with pytest.raises(AssertionError, match="Saved plan is stale"):
        apply(cloud, programs)


def test_another_plan_than_the_approved_one_is_refused(cloud: Cloud, sources: Path, programs: Path) -> None:
    plan(sources, programs)
    with pytest.raises(AssertionError, match="step plan of terraform-apply"):
        apply(cloud, programs, _SHA256="0" * 64)


def test_variables_lie_in_no_archive_but_for_the_plan(cloud: Cloud, sources: Path, programs: Path) -> None:
    plan(sources, programs)
    archive = programs.parent / "gs" / "plans" / "toy" / "plan-1.tar.gz"
    shutil.unpack_archive(archive, programs.parent / "unpacked", filter="data")
    found = {path.name for path in (programs.parent / "unpacked").rglob("*") if path.is_file()}
    assert found == {"main.tf", "plan", "plan.txt", "word.json"}
