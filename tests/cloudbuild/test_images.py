"""From a commit to what runs: build.yaml and deploy.yaml, step by step, with docker and gcloud of the tests' own."""

import json
import re
import shutil
from pathlib import Path

import pytest

from cloudbuild.record_images import OPTIONAL, REQUIRED
from cloudbuild.rollout.services import IMAGES, ROLLOUT_ORDER
from tests.cloudbuild.build_file import ROOT, BuildFile
from tests.cloudbuild.cloud import ACCOUNT, NEW, Cloud

pytestmark = pytest.mark.slow  # whole processes: another Python shows nothing else in them
BUILD, DEPLOY = BuildFile("build.yaml"), BuildFile("deploy.yaml")
SUBSTITUTIONS = {
    "_REPOSITORY": "images.example/builds/turnscribe",
    "_CACHE": "images.example/builds/turnscribe-cache",
    "_ARTIFACTS": "artifacts",
    "_TOPIC": "projects/builds/topics/images",
    "_SOURCE": "https://github.example/turnscribe",
}


@pytest.fixture
def programs(cloud: Cloud) -> Path:
    """Folder with docker, wget and gcloud."""
    folder = cloud.file.parent / "bin"
    shutil.copy(Path(__file__).parent / "fake_docker.sh", folder / "docker")
    (folder / "wget").write_text('#!/bin/sh\necho \'{"access_token":"a-token","expires_in":3599}\'\n')
    for program in ("docker", "wget"):
        (folder / program).chmod(0o755)
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The sources, as Cloud Build has them."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    for name in ("cloudbuild", "turnscribe", "common", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def build(workspace: Path, programs: Path, **more: str) -> str:
    shutil.rmtree(workspace / ".images", ignore_errors=True)
    return BUILD.run(workspace, programs, SUBSTITUTIONS | more, COMMIT_SHA=NEW)


def docker_calls(programs: Path, containing: str) -> list[str]:
    log = programs.parent / "docker.log"
    return [line for line in log.read_text().splitlines() if containing in line] if log.exists() else []


def test_the_three_images_are_built_at_the_same_time_from_the_dockerfiles() -> None:
    for service in REQUIRED:
        step = BUILD.step(service)
        assert step["waitFor"] == ["python"]
        assert step["script"] == f"sh cloudbuild/build_image.sh {service}"
        assert (ROOT / f"{service}_service" / "Dockerfile").is_file()
    assert set(BUILD.step("record")["waitFor"]) == {*REQUIRED, *OPTIONAL}


@pytest.mark.parametrize("service", [*REQUIRED, *OPTIONAL])
def test_every_build_argument_is_one_of_the_dockerfile(service: str) -> None:
    given = re.findall(r'--build-arg "([A-Z_]+)=', (ROOT / "cloudbuild" / "build_image.sh").read_text())
    taken = re.findall(r"(?m)^ARG ([A-Z_]+)", (ROOT / f"{service}_service" / "Dockerfile").read_text())
    assert {"PYTHON_IMAGE", "VERSION", "REVISION"} <= set(given) <= set(taken)


def test_what_is_recorded_is_what_is_deployed_and_what_an_environment_begins_with() -> None:
    assert set(IMAGES) == set(REQUIRED)
    recorded = BUILD.step("record")["script"]
    assert '"gs://$ARTIFACTS/images/$COMMIT_SHA.json"' in recorded
    assert '"gs://$ARTIFACTS/images/$COMMIT.json"' in DEPLOY.step("images")["script"]
    for environment in (ROOT / "terraform" / "environments").iterdir():
        wanted = re.search(
            r"(?s)variable \"images\" \{.*?object\(\{(.*?)\}\)", (environment / "variables.tf").read_text()
        )
        assert wanted
        assert set(re.findall(r"(\w+) += string", wanted[1])) == set(REQUIRED)


def test_every_service_of_the_topology_is_deployed_and_the_api() -> None:
    topology = json.loads((ROOT / "common" / "topology.json").read_text())
    pushed = {its["service"] for kind in ("subscriptions", "schedules") for its in topology[kind].values()}
    assert {service.name for service in ROLLOUT_ORDER} == pushed | {"api"}
    assert {service.name for service in ROLLOUT_ORDER if service.public} == {"ingest", "api"}


def test_a_commits_images_are_built_recorded_told_of_and_deployed_by_digest(
    cloud: Cloud, workspace: Path, programs: Path
) -> None:
    build(workspace, programs)
    record = json.loads((cloud.file.parent / "gs" / "artifacts" / "images" / f"{NEW}.json").read_text())
    assert set(record) == set(REQUIRED)
    assert cloud.read()["published"] == [
        ["projects/builds/topics/images", json.dumps({"commit": NEW}, separators=(",", ":"))]
    ]

    with cloud.changed() as state:
        state["images"].update({reference: {"commit": NEW} for reference in record.values()})
        state["builds"] = [[{"id": "the-build", "startTime": "2026-01-01T10:00:00Z"}]]
    where = {"_PROJECT": "a-project", "_REGION": "europe-west1", "_PREFIX": "dev-", "_ARTIFACTS": "artifacts"}
    said = DEPLOY.run(
        workspace,
        programs,
        where | {"_COMMIT": NEW, "_CANARY_MINUTES": "0"},
        BUILD_ID="the-build",
        PROJECT_ID="builds",
        LOCATION="europe-west1",
        SERVICE_ACCOUNT_EMAIL=ACCOUNT,
    )
    assert f"{NEW} is in a-project" in said
    running = {name: service["image"] for name, service in cloud.read()["services"].items()}
    assert running == {f"dev-{service.name}": record[service.image] for service in ROLLOUT_ORDER}


def test_each_image_has_its_revision_base_sbom_provenance_and_cache(
    cloud: Cloud, workspace: Path, programs: Path
) -> None:
    build(workspace, programs)
    calls = docker_calls(programs, "buildx build")
    assert len(calls) == len(REQUIRED)
    base = f"python:3.12-slim@sha256:{1:064d}"
    for service, call in zip(REQUIRED, calls, strict=True):
        for wanted in (
            f"--file {service}_service/Dockerfile",
            f"--build-arg PYTHON_IMAGE={base}",
            f"--build-arg REVISION={NEW}",
            "--build-arg VERSION=0.",
            "--sbom=true",
            "--provenance=mode=max",
            f"--cache-from type=registry,ref=images.example/builds/turnscribe-cache/{service}:cache",
            f"name=images.example/builds/turnscribe/{service},push-by-digest=true",
        ):
            assert wanted in call


def test_a_commit_that_is_built_again_keeps_its_images(cloud: Cloud, workspace: Path, programs: Path) -> None:
    build(workspace, programs)
    record = (cloud.file.parent / "gs" / "artifacts" / "images" / f"{NEW}.json").read_text()
    said = build(workspace, programs)
    assert f"The images of {NEW} are there already." in said
    assert len(docker_calls(programs, "buildx build")) == len(REQUIRED)
    assert (cloud.file.parent / "gs" / "artifacts" / "images" / f"{NEW}.json").read_text() == record


def test_two_builds_of_a_commit_at_the_same_time_leave_one_record(
    cloud: Cloud, workspace: Path, programs: Path
) -> None:
    cloud.fault("storage cp gs://artifacts", "fails")
    build(workspace, programs)
    cloud.fault("storage cp gs://artifacts", "fails")
    with pytest.raises(AssertionError, match="step record"):
        build(workspace, programs)


def test_the_tag_of_each_image_is_its_commit(cloud: Cloud, workspace: Path, programs: Path) -> None:
    build(workspace, programs)
    record = json.loads((cloud.file.parent / "gs" / "artifacts" / "images" / f"{NEW}.json").read_text())
    tagged = docker_calls(programs, "imagetools create")
    assert tagged == [
        f"buildx imagetools create --tag images.example/builds/turnscribe/{service}:{NEW} {record[service]}"
        for service in REQUIRED
    ]


def test_the_token_of_the_registry_is_in_no_argument_and_no_log(cloud: Cloud, workspace: Path, programs: Path) -> None:
    said = build(workspace, programs)
    assert (programs.parent / "passwords").read_text().split() == ["a-token"] * (len(REQUIRED) + 2)
    assert docker_calls(programs, "a-token") == []
    assert "a-token" not in said


def test_the_whisper_image_is_built_where_it_is_wanted(cloud: Cloud, workspace: Path, programs: Path) -> None:
    build(workspace, programs, _WHISPER="true")
    record = json.loads((cloud.file.parent / "gs" / "artifacts" / "images" / f"{NEW}.json").read_text())
    assert set(record) == {*REQUIRED, *OPTIONAL}
    on_gpu = docker_calls(programs, "--build-arg REQUIREMENTS=whisper-gpu.txt")
    assert len(on_gpu) == 1
    assert "--file whisper_service/Dockerfile" in on_gpu[0]
    assert (ROOT / "requirements" / "whisper-gpu.txt").is_file()
