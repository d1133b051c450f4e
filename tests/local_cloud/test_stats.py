from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from common.auth import SingleToken
from common.settings import Secret
from local_cloud.processes import Child, free_port
from local_cloud.stats import StatsServer, stats_app, usage, whisper_stats_of


@pytest.fixture
def server() -> Iterator[StatsServer]:
    running = StatsServer(stats_app(SingleToken(Secret("t")), lambda: {"cpu_seconds": 1.5}))
    yield running
    running.stop()


def get(url: str, token: str) -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return urllib3.request("GET", f"{url}/internal/stats", headers=headers, retries=False, timeout=30)


def test_it_tells_what_it_is_given(server: StatsServer) -> None:
    assert get(server.url, "t").json() == {"cpu_seconds": 1.5}


def test_it_wants_the_token(server: StatsServer) -> None:
    assert get(server.url, "other").status == 401


def test_stopped_it_answers_no_more() -> None:
    server = StatsServer(stats_app(SingleToken(Secret("t")), dict))
    server.stop()
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        get(server.url, "t")


def test_a_process_that_does_not_run_has_no_pid(tmp_path: Path) -> None:
    child = Child("segmenter", ["x"], port=1, log_path=tmp_path / "log", environ={})
    assert usage([child]) == {"segmenter": {"cpu_seconds": 0.0, "resident_bytes": 0, "pid": None}}


def test_a_whisper_server_that_does_not_answer_has_no_stats() -> None:
    assert whisper_stats_of(f"http://127.0.0.1:{free_port()}", "") is None
