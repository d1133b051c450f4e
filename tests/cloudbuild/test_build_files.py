"""What every file of Cloud Build's must be like, and that all it names exists."""

import importlib.util
import re

import pytest

from tests.cloudbuild.build_file import BUILT_IN, FILES, ROOT, BuildFile


@pytest.fixture(params=FILES)
def build(request: pytest.FixtureRequest) -> BuildFile:
    return BuildFile(request.param)


def test_there_are_the_five_builds() -> None:
    assert FILES == ["build.yaml", "deploy.yaml", "pr.yaml", "terraform-apply.yaml", "terraform.yaml"]


def test_a_build_ends_in_time_and_logs_where_its_account_may(build: BuildFile) -> None:
    assert re.fullmatch(r"[1-9]\d*s", build.content["timeout"])
    assert build.content["options"]["logging"] == "CLOUD_LOGGING_ONLY", "a build with an account of its own is refused"


def test_every_image_is_named_with_a_version(build: BuildFile) -> None:
    for step in build.steps:
        assert re.fullmatch(r"[a-z]+(/[a-z-]+)?:\d+\.\d+[a-z0-9.-]*", step["name"]), step["name"]


def test_steps_wait_for_steps_above_them(build: BuildFile) -> None:
    above: list[str] = []
    for step in build.steps:
        assert set(step.get("waitFor", [])) <= {"-", *above}, step["id"]
        above.append(step["id"])
    assert len(set(above)) == len(above)


def test_every_substitution_is_declared_and_every_declared_one_is_used(build: BuildFile) -> None:
    used = set(re.findall(r"\$\{?(\w+)\}?", " ".join(build.environment.values())))
    assert used - BUILT_IN == set(build.substitutions)


def test_substitutions_reach_scripts_as_variables_alone(build: BuildFile) -> None:
    for step in build.steps:
        assert not re.search(r"\$\{?_[A-Z]", step["script"]), f"{step['id']}: Cloud Build replaces nothing in scripts"


def test_every_variable_is_set_and_every_set_one_is_used(build: BuildFile) -> None:
    texts = [step["script"] for step in build.steps] + [path.read_text() for path in build.called]
    text = "\n".join(re.sub(r"(?m)^\s*#.*$", "", text) for text in texts)
    used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", text))
    own = set(re.findall(r"(?m)(?:^|\s)([A-Z][A-Z0-9_]*)=", text)) | {"PATH"}
    settings_of_programs = {"TF_CLI_ARGS", "TF_IN_AUTOMATION", "PYTHONDONTWRITEBYTECODE"}
    assert used - own == set(build.environment) - settings_of_programs


def test_every_volume_is_shared(build: BuildFile) -> None:
    volumes = [volume["name"] for step in build.steps for volume in step.get("volumes", [])]
    assert all(volumes.count(name) > 1 for name in volumes), "Cloud Build refuses a volume of one step"


def test_every_script_make_target_module_and_folder_exists(build: BuildFile) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    environments = [path.name for path in (ROOT / "terraform" / "environments").iterdir()]
    for step in build.steps:
        script = step["script"]
        assert set(re.findall(r"\bmake ([a-z]+)", script)) <= targets, step["id"]
        for module in re.findall(r"python3 -m ([a-z_.]+)", script):
            assert importlib.util.find_spec(module), module
        for name in re.findall(r"\b(?:cloudbuild|turnscribe|terraform)/[\w$/.-]*[\w]", script):
            if name.endswith((".tfvars", "/plan.txt")):
                continue
            for environment in environments:
                assert (ROOT / name.replace("$ENVIRONMENT", environment)).exists(), name


def test_pull_requests_are_checked_by_the_projects_own_commands_with_everything_required() -> None:
    pull_request = BuildFile("pr.yaml")
    scripts = {step["id"]: step["script"] for step in pull_request.steps}
    for name in ("lint", "types", "terraform"):
        assert f"make {name}" in scripts[name]
    assert "TURNSCRIBE_REQUIRE=all" in scripts["tests"]
    assert "make test" in scripts["tests"]
    for package in re.findall(r"need \S+ (\S+)", (ROOT / ".ci" / "run").read_text()):
        assert package in scripts["tests"] or package == "curl", f"{package} is missing; Python's image has curl alone"


def test_the_emulators_and_terraform_are_those_of_the_version_that_deploys() -> None:
    images = {step["name"] for name in FILES for step in BuildFile(name).steps}
    versions = {name.split(":")[1].split("-")[0] for name in images if name.startswith("google/cloud-sdk")}
    assert len(versions) == 1
    assert len({name for name in images if name.startswith("hashicorp/terraform")}) == 1
