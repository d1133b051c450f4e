"""One document for everything that is served under the runner's port."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from werkzeug.test import Client

from common.adapters.embedded.data_dir import DataDir
from common.clock import SystemClock
from common.openapi.document import undescribed
from local_runner import compose
from local_runner.settings import load_runner_settings


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[compose.Stack]:
    folder: Path = tmp_path_factory.mktemp("runner")
    DataDir(folder)
    environ = {"DATA_DIR": str(folder), "WHISPER_SERVICE_URL": "http://127.0.0.1:9"}
    built = compose.Stack(load_runner_settings(environ, token=lambda: "reader"), SystemClock())
    yield built
    built.close()


@pytest.fixture(scope="module")
def document(stack: compose.Stack) -> dict[str, Any]:
    answer = Client(stack.application).get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json is not None
    return answer.json


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()


def test_each_service_s_own_is_valid_too(stack: compose.Stack) -> None:
    for app in stack.public_apps:
        answer = app.test_client().get("/openapi.json")
        assert answer.json is not None
        schemathesis.openapi.from_dict(answer.json).validate()


def test_every_route_for_people_and_programs_is_described(stack: compose.Stack) -> None:
    assert [undescribed(app) for app in stack.public_apps] == [[], []]


def test_what_only_machines_of_the_installation_call_is_not_in_it(document: dict[str, Any]) -> None:
    beginnings = {path.split("/")[1] for path in document["paths"]}
    assert beginnings <= {"v1", "api", "health"}


def test_every_described_path_is_answered_by_the_runner(stack: compose.Stack, document: dict[str, Any]) -> None:
    client = Client(stack.application)
    for path, methods in document["paths"].items():
        for method in methods:
            answer = client.open(path.replace("{", "").replace("}", ""), method=method.upper())
            assert answer.status_code not in {404, 405} or "unknown" in answer.text, (method, path)
            answer.close()


def test_types_have_names_of_their_own(document: dict[str, Any]) -> None:
    assert [name for name in document["components"]["schemas"] if "." in name] == []


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(names) == len(set(names))
