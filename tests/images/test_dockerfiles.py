"""What holds for each service's Dockerfile."""

import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from flask import Flask

from cloudbuild.images.build_context import BuildContext, ignored
from cloudbuild.images.dockerfile import Dockerfile, parse
from cloudbuild.images.services import SERVICES
from common import __version__
from common.health import Drain, health_blueprint
from local_cloud.services import service_command, whisper_command

OWN = "# This image alone\n"


@pytest.fixture(scope="module")
def root(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.rootpath


@pytest.fixture(scope="module")
def context(root: Path) -> BuildContext:
    return BuildContext.of(root)


def text_of(root: Path, service: str) -> str:
    return (root / f"{service}_service" / "Dockerfile").read_text()


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def dockerfile(root: Path, service: str) -> Dockerfile:
    return parse(text_of(root, service))


def test_every_service_has_one(root: Path) -> None:
    assert {path.parent.name for path in root.glob("*/Dockerfile")} == {f"{service}_service" for service in SERVICES}


def test_what_the_images_have_in_common_is_the_same(root: Path) -> None:
    def common_part(service: str) -> str:
        above, mark, _ = text_of(root, service).partition(OWN)
        assert mark, service
        return re.sub(rf"\b{service}(?=\b|_)", "SERVICE", above)

    first = common_part(SERVICES[0])
    assert "SERVICE_service" in first
    for service in SERVICES[1:]:
        assert common_part(service) == first, service


def test_the_services_of_the_pipeline_differ_in_nothing_but_the_name(root: Path) -> None:
    tails = {text_of(root, name).partition(OWN)[2].replace(name, "SERVICE") for name in SERVICES if name != "whisper"}
    assert len(tails) == 1


def test_every_stage_begins_from_the_base_that_the_build_names(dockerfile: Dockerfile) -> None:
    assert dockerfile.arguments == {"PYTHON_IMAGE": "python:3.12-slim"}
    assert [stage.base for stage in dockerfile.stages] == ["${PYTHON_IMAGE}"] * 2


def test_packages_are_wheels_with_their_hashes_and_nothing_else_is_fetched(dockerfile: Dockerfile) -> None:
    builder, final = dockerfile.stages
    commands = [command for run in builder.all("RUN") for command in re.split(r"\s*&&\s*", run.value)]
    assert [command.split()[:3] for command in commands] == [
        ["python", "-m", "pip"],
        ["python", "-m", "compileall"],
        ["python", "-m", "compileall"],
        ["chmod", "-R", "a+rX,go-w"],
    ]
    assert {"install", "--no-deps", "--require-hashes", "--only-binary=:all:"} <= set(commands[0].split())
    assert all("--invalidation-mode unchecked-hash" in command for command in commands[1:3])
    assert final.all("RUN") == []


def test_all_code_is_compiled_where_it_will_lie(dockerfile: Dockerfile) -> None:
    """What a module is called in a traceback stands in its compiled file."""
    builder, final = dockerfile.stages
    runs = " ".join(run.value for run in builder.all("RUN"))
    copied = [copy.value.split() for copy in final.all("COPY")]
    assert [copy.flags for copy in final.all("COPY")] == [{"from": "builder"}] * 2
    for source, target in copied:
        assert source == target
        assert re.search(rf"compileall [^&]*{re.escape(source)}\b", runs)


def test_the_requirements_are_the_services_own(root: Path, dockerfile: Dockerfile, service: str) -> None:
    builder = dockerfile.stages[0]
    (argument,) = builder.all("ARG")
    assert argument.argument() == ("REQUIREMENTS", f"{service}.txt")
    source, _target = builder.all("COPY")[0].words({"REQUIREMENTS": f"{service}.txt"})
    assert source == f"requirements/{service}.txt"
    assert (root / source).is_file()


def test_every_file_of_the_service_and_of_common_is_copied_and_no_other(
    root: Path, context: BuildContext, dockerfile: Dockerfile, service: str
) -> None:
    copied = [copy.value.split() for copy in dockerfile.stages[0].all("COPY")[1:]]
    assert copied == [[name, f"code/{name}"] for name in ("common", f"{service}_service")]
    for package, _target in copied:
        all_of_it = {
            path.relative_to(root).as_posix()
            for path in (root / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and path.name != "Dockerfile"
        }
        assert set(map(str, context.files(package))) == all_of_it
    assert PurePosixPath("common/topology.json") in context.files("common")


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", ".venv/bin/python", ".turnscribe/queue.sqlite", ".env", "terraform/terraform.tfstate"),
        *("tests/conftest.py", "local_runner/server.py", "pyproject.toml", "new_service/app.py", "key.pem"),
        *("common/__pycache__/ids.cpython-311.pyc", "ingest_service/http/__pycache__/x.pyc", "ingest_service/Dockerfile"),
    ],
)  # fmt: skip
def test_what_no_image_needs_is_not_even_sent_to_the_build(context: BuildContext, path: str) -> None:
    assert ignored(PurePosixPath(path), context.rules)


def test_the_command_is_the_one_that_the_stack_runs(dockerfile: Dockerfile, service: str) -> None:
    here = whisper_command() if service == "whisper" else service_command(service)
    assert dockerfile.final.last("CMD").command() == ["python", *here[1:]]


def test_it_runs_as_a_user_of_its_own_who_may_write_nothing(dockerfile: Dockerfile) -> None:
    user, group = dockerfile.final.last("USER").value.split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert all(not copy.flags.get("chown") for copy in dockerfile.final.all("COPY"))


def environ(dockerfile: Dockerfile) -> dict[str, str]:
    known = {"REVISION": "0f3a9c1e"}
    return {name: value for each in dockerfile.final.all("ENV") for name, value in each.pairs(known).items()}


def test_its_port_is_the_one_that_it_exposes(dockerfile: Dockerfile) -> None:
    assert environ(dockerfile)["PORT"] == dockerfile.final.last("EXPOSE").value == "8080"


def test_its_environment_finds_the_code_and_says_the_commit(dockerfile: Dockerfile) -> None:
    found = environ(dockerfile)
    assert found["REVISION"] == "0f3a9c1e"
    assert found["PYTHONPATH"].split(":") == [copy.value.split()[1] for copy in dockerfile.final.all("COPY")][::-1]
    assert (found["PYTHONUNBUFFERED"], found["PYTHONDONTWRITEBYTECODE"]) == ("1", "1")


def test_it_is_stopped_as_gunicorn_is_stopped(dockerfile: Dockerfile) -> None:
    assert dockerfile.final.last("STOPSIGNAL").value == "SIGTERM"


def test_its_labels_say_what_it_is_and_was_made_from(dockerfile: Dockerfile, service: str) -> None:
    defaults = dict(each.argument() for each in dockerfile.final.all("ARG"))
    assert defaults["VERSION"] == __version__
    given = {"PYTHON_IMAGE": "python:3.12-slim@sha256:00", "BASE_DIGEST": "sha256:00", "SOURCE": "https://example"}
    labels = dockerfile.final.last("LABEL").pairs({**given, "VERSION": "1.2", "REVISION": "0f3a9c1e"})
    assert labels == {
        "org.opencontainers.image.title": f"turnscribe {service}",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": "1.2",
        "org.opencontainers.image.revision": "0f3a9c1e",
        "org.opencontainers.image.source": "https://example",
        "org.opencontainers.image.base.name": "python:3.12-slim@sha256:00",
        "org.opencontainers.image.base.digest": "sha256:00",
    }


def test_what_changes_with_each_commit_spoils_no_layer(dockerfile: Dockerfile) -> None:
    keywords = [each.keyword for each in dockerfile.final.instructions]
    assert max(index for index, keyword in enumerate(keywords) if keyword == "COPY") < keywords.index("ARG")


@pytest.fixture
def answering() -> Iterator[tuple[dict[str, int], int]]:
    """Statuses by path, which a test may change, and the port of who answers with them."""
    statuses: dict[str, int] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.get(self.path, 404))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield statuses, server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_its_health_check_asks_a_route_that_it_has_and_believes_nothing_but_200(
    dockerfile: Dockerfile, answering: tuple[dict[str, int], int]
) -> None:
    statuses, port = answering
    app = Flask("x")
    app.register_blueprint(health_blueprint("x", {}, Drain()))
    command = dockerfile.final.last("HEALTHCHECK").command()
    asked = re.findall(r"'(/[^']*)'", command[-1])
    assert asked == ["/health"]
    assert asked[0] in {rule.rule for rule in app.url_map.iter_rules()}
    assert command[0] == "python"
    for status, good in ((200, True), (503, False), (302, False), (404, False)):
        statuses["/health"] = status
        done = subprocess.run([sys.executable, *command[1:]], env={**os.environ, "PORT": str(port)}, check=False)
        assert (done.returncode == 0) is good, status
