"""Asking the transcribe service, and what it says where it does not answer."""

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.transcribe_service.fakes import API_TOKEN

READER = {"Authorization": f"Bearer {API_TOKEN}"}


def get(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.get(path, headers=READER | headers)


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.data
    assert response.content_type == "application/problem+json"
    found: dict[str, Any] = json.loads(response.data)
    return found
