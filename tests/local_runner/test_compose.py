"""The composed stack: what the scheduler does in the cloud, it does by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import Client

from common.adapters.embedded.data_dir import DataDir
from common.clock import SystemClock
from common.settings import Secret
from common.topology import topology
from local_runner import compose
from local_runner.settings import load_runner_settings


class Timer:
    made: list["Timer"] = []  # noqa: RUF012 -- the stack makes them; the test looks at them here

    def __init__(self, url: str, push_token: Secret, interval_s: float) -> None:
        self.url, self.token, self.interval_s = url, push_token.reveal(), interval_s
        self.calls: list[str] = []
        self.made.append(self)

    def start(self) -> None:
        self.calls.append("start")

    def stop(self, timeout_s: float) -> None:
        self.calls.append("stop")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[compose.Stack]:
    monkeypatch.setattr(compose, "SweepTimer", Timer)
    monkeypatch.setattr(Timer, "made", [])
    environ = {
        "DATA_DIR": str(tmp_path),
        "PUSH_TOKEN": "scheduler",
        "WHISPER_SERVICE_URL": "http://127.0.0.1:9",
        "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "7",
    }
    DataDir(tmp_path)
    stack = compose.Stack(load_runner_settings(environ, token=lambda: "reader"), SystemClock())
    yield stack
    stack.close()


def test_a_token_made_here_is_let_in_everywhere_but_to_the_figures(stack: compose.Stack) -> None:
    client = Client(stack.application)
    operator = {"Authorization": "Bearer reader"}
    wanted = {"scopes": ["ingest", "read", "admin"], "tenant": "acme"}
    token = client.post("/v1/tokens", json=wanted, headers=operator).get_json()["token"]
    theirs = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/tokens", headers=theirs).status_code == 200
    for path in ("/v1/streams/c1", "/v1/meetings/m1"):
        assert client.get(path, headers=theirs).status_code == 404
    assert client.get("/v1/deadletters", headers=theirs).status_code == 200
    assert client.get("/internal/stats", headers=theirs).status_code == 401
    assert client.get("/internal/stats", headers=operator).status_code == 200


def test_recordings_and_uploads_come_to_ingest(stack: compose.Stack) -> None:
    client = Client(stack.application)
    headers = {"Authorization": "Bearer reader", "Tus-Resumable": "1.0.0", "Upload-Length": "20"}
    stored = client.post("/v1/recordings", headers=headers, data=b"OggS" + b"x" * 16)
    assert stored.status_code == 201
    assert client.get(stored.headers["Location"], headers=headers).get_json()["ended"] is True
    begun = client.post("/v1/uploads", headers=headers)
    assert begun.status_code == 201
    assert client.head(begun.headers["Location"], headers=headers).headers["Upload-Offset"] == "0"


def test_it_calls_every_sweep_that_is_scheduled_in_the_cloud(stack: compose.Stack) -> None:
    stack.start()
    stack.drain()
    client = Client(stack.application)
    for timer in Timer.made:
        assert (timer.token, timer.interval_s, timer.calls) == ("scheduler", 7.0, ["start", "stop"])
        answer = client.post(timer.url, headers={"Authorization": f"Bearer {timer.token}"})
        assert (answer.status_code, answer.content_type) == (200, "application/json")
        assert client.post(timer.url).status_code == 401
    assert len({timer.url for timer in Timer.made}) == len(topology().schedules) >= 2
