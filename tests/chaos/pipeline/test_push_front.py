"""The fronts as a queue and a service see them: real sockets, and the process that the installations start."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
import urllib3

from tests.chaos.pipeline.fronts import Fronts
from tests.chaos.pipeline.machine import steady_ports
from tests.quiet_server import QuietServer


class Service:
    """What it was asked: paths and bodies."""

    def __init__(self, port: int) -> None:
        self.asked: list[tuple[str, bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) == length:
                    service.asked.append((self.path, body))
                    self.send_response(204 if body == b"silent" else 200)
                    if body != b"silent":
                        self.send_header("Content-Length", "2")
                    self.end_headers()
                    if body != b"silent":
                        self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                return

        self._server = QuietServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def between() -> Iterator[tuple[Fronts, Service, str, str]]:
    """Fronts, what is behind them, and the URLs of the push front and of a link."""
    service_port, push_port, link_port = steady_ports(3)
    service = Service(service_port)
    try:
        with Fronts({"one": (link_port, service_port)}, push_port, {"one": service_port}) as fronts:
            yield fronts, service, f"http://127.0.0.1:{push_port}", f"http://127.0.0.1:{link_port}"
    finally:
        service.close()


def post(url: str, body: bytes) -> int | None:
    """The status; None where no whole answer came."""
    try:
        return urllib3.request("POST", url, body=body, retries=False, timeout=10).status
    except urllib3.exceptions.HTTPError:
        return None


def test_in_calm_weather_every_push_arrives_once_and_is_answered() -> None:
    with between() as (_, service, push_url, link_url):
        bodies = [b"", b"silent", b"x" * 300_000]
        assert [post(f"{push_url}/one/push/it", body) for body in bodies] == [200, 204, 200]
        assert post(f"{link_url}/straight", b"on") == 200
        assert service.asked == [*(("/push/it", body) for body in bodies), ("/straight", b"on")]


@pytest.mark.parametrize("weather", ["twice", "again"])
def test_pushes_come_more_often_than_they_were_sent(weather: str) -> None:
    with between() as (fronts, service, push_url, _):
        fronts.begin(7)
        fronts.pushes(weather)
        assert [post(f"{push_url}/one/p", b"%d" % at) for at in range(20)] == [200] * 20
        until_s = time.monotonic() + 20
        while len(service.asked) <= 20 and time.monotonic() < until_s:
            time.sleep(0.02)
        assert len(service.asked) > 20
        assert {body for _, body in service.asked} == {b"%d" % at for at in range(20)}


def test_answers_are_lost_after_the_service_has_done_its_work() -> None:
    with between() as (fronts, service, push_url, _):
        fronts.begin(7)
        fronts.pushes("unanswered")
        statuses = [post(f"{push_url}/one/p", b"it") for _ in range(20)]
        assert {None, 200} == set(statuses)
        assert len(service.asked) == 20


@pytest.mark.parametrize("weather", ["cut", "refused"])
def test_what_is_not_answered_has_not_arrived_whole(weather: str) -> None:
    with between() as (fronts, service, push_url, _):
        fronts.begin(7)
        fronts.pushes(weather)
        statuses = [post(f"{push_url}/one/p", b"it" * 500) for _ in range(20)]
        assert {None, 200} == set(statuses)
        assert len(service.asked) == statuses.count(200)


def test_a_link_breaks_in_the_middle_and_is_whole_again() -> None:
    with between() as (fronts, service, _, link_url):
        fronts.begin(7)
        fronts.link("one", "cut")
        statuses = [post(f"{link_url}/p", b"x" * 200_000) for _ in range(40)]
        assert {None, 200} == set(statuses)
        fronts.link("one", "refuse")
        assert post(f"{link_url}/p", b"") is None
        fronts.calm()
        before = len(service.asked)
        assert post(f"{link_url}/p", b"") == 200
        assert len(service.asked) == before + 1
