import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from structlog.testing import capture_logs

from common.settings import Secret
from local_runner.sweep_timer import SweepTimer
from tests.waiting import until


class _Swept:
    def __init__(self) -> None:
        self.url = ""
        self.authorizations: list[str | None] = []
        self.three = threading.Event()


@pytest.fixture
def swept() -> Iterator[_Swept]:
    seen = _Swept()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.authorizations.append(self.headers["Authorization"])
            self.send_response(503 if len(seen.authorizations) == 1 else 200)
            self.end_headers()
            if len(seen.authorizations) >= 3:
                seen.three.set()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        seen.url = f"http://127.0.0.1:{server.server_port}/sweep"
        yield seen
        server.shutdown()
        thread.join()


def test_it_sweeps_again_and_again_whatever_the_answer(swept: _Swept) -> None:
    timer = SweepTimer(swept.url, Secret("push"), 0.01)
    timer.start()
    assert swept.three.wait(20)
    timer.stop(20)
    assert set(swept.authorizations) == {"Bearer push"}


def test_nobody_there_ends_nothing() -> None:
    timer = SweepTimer("http://127.0.0.1:9/sweep", Secret("push"), 0.001)
    with capture_logs() as logged:
        timer.start()
        deadline_s = time.monotonic() + 20
        while len(logged) < 3 and time.monotonic() < deadline_s:
            time.sleep(0.005)
        timer.stop(20)
    assert [line["event"] for line in logged[:3]] == ["sweep_failed"] * 3


def test_stopping_what_never_began_is_harmless() -> None:
    timer = SweepTimer("http://127.0.0.1:9/sweep", Secret("push"), 1)
    with capture_logs() as logged:
        timer.stop(1)
    assert logged == []


def test_timers_that_are_due_together_do_not_complain_of_each_other(
    swept: _Swept, caplog: pytest.LogCaptureFixture
) -> None:
    timers = [SweepTimer(swept.url, Secret("push"), 0.01) for _ in range(4)]
    for timer in timers:
        timer.start()
    assert swept.three.wait(20)
    until(lambda: len(swept.authorizations) >= 40, "each has swept often")
    for timer in timers:
        timer.stop(20)
    assert [record.getMessage() for record in caplog.records if record.name.startswith("urllib3")] == []
