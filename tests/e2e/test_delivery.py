"""Delivery on the local runner: real processes, real sockets, and in Whisper's place a script.

What is told is compared with what readers get: every final segment of every meeting, once, whoever else hangs or is killed.
"""

import json
import os
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from local_cloud.stack import Stack
from tests.e2e.conftest import READY_S, demo_environment
from tests.e2e.excerpts import write_excerpt
from tests.transcribe_service.delivery.receiving_server import Receiving, answering, hangs, receiving
from tests.transcribe_service.whisper.whisper_server import scripted_whisper
from tests.waiting import until
from turnscribe.local_server import LocalServer, free_port
from turnscribe.webhooks import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]
Json = dict[str, Any]
BUSY = answering(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")


class Told:
    """What a webhook's receiver was told."""

    def __init__(self, server: Receiving, secret: str) -> None:
        self._server = server
        self._secret = secret
        self.forgotten = 0

    @property
    def messages(self) -> list[tuple[str, float, Json]]:
        """Id, seconds from what happened to its arrival, message; each of them genuine."""
        return [self._read(at_s, request) for at_s, request in list(self._server.got)[self.forgotten :]]

    def forget(self) -> set[str]:
        """Count anew from here; the ids of what was told so far."""
        ids = {message_id for message_id, _, _ in self.messages}
        self.forgotten += len(self.messages)
        return ids

    def finals(self, meeting_id: str) -> Counter[str]:
        """How often each segment of a meeting was told."""
        told = [message["data"] for _, _, message in self.messages if message["type"] == "transcript.segment"]
        return Counter(each["segment_id"] for each in told if each["meeting_id"] == meeting_id)

    def completions(self, meeting_id: str) -> int:
        told = [message for _, _, message in self.messages if message["type"] == "meeting.completed"]
        return sum(each["data"]["meeting_id"] == meeting_id for each in told)

    def latencies_ms(self) -> list[float]:
        return [took_s * 1000 for _, took_s, message in self.messages if message["type"] == "transcript.segment"]

    def _read(self, at_s: float, request: bytes) -> tuple[str, float, Json]:
        head, _, body = request.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        message = verify(body, headers, self._secret)
        return headers["webhook-id"], at_s - datetime.fromisoformat(message["timestamp"]).timestamp(), message


class Runner:
    """The local runner, the audio that is sent to it, and its webhooks."""

    def __init__(self, folder: Path, whisper_url: str, **said: str) -> None:
        self._folder = folder
        self._environ = demo_environment() | {
            "WHISPER_SERVICE_URL": whisper_url,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1",
            "TENANT_REQUESTS_PER_SEC": "0",
            "API_TOKEN": "reader",
            **said,
        }
        write_excerpt(folder / "excerpt.wav", "wav")
        self._audio = (folder / "excerpt.wav").read_bytes()
        self.started = ExitStack()

    def start(self) -> None:
        self.server = LocalServer(self._folder / "data", free_port(), self._environ)
        (self._folder / "data").mkdir(exist_ok=True)
        self.started.enter_context(self.server)
        self.server.wait_until_ready(READY_S)

    def kill(self) -> None:
        """At once, with whatever it has in hand."""
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.stop()

    @property
    def ingest_url(self) -> str:
        return self.server.url

    @property
    def read_url(self) -> str:
        return self.server.url

    def ask(self, method: str, path: str, *, at: str = "", **sent: Any) -> Json:
        headers = {"Authorization": "Bearer reader"}
        answer = requests.request(method, (at or self.read_url) + path, headers=headers, timeout=60, **sent)
        assert answer.status_code < 300, answer.text
        found: Json = answer.json()
        return found

    def webhook(self, server: Receiving, **said: Any) -> Told:
        return Told(server, self.ask("POST", "/v1/webhooks", json={"url": server.url, **said})["secret"])

    def record(self, meeting_id: str) -> None:
        self.ask("POST", "/v1/recordings", at=self.ingest_url, params={"meeting_id": meeting_id}, data=self._audio)

    def finals(self, meeting_id: str) -> Counter[str]:
        """The segments of a meeting that readers get words of, each once; empty while it is not complete."""
        answer = requests.get(
            f"{self.read_url}/v1/meetings/{meeting_id}/transcript",
            headers={"Authorization": "Bearer reader"},
            timeout=60,
        )
        found = answer.json()
        if not found.get("complete"):
            return Counter()
        return Counter({each["segment_id"] for each in found["utterances"]})


class OnStack(Runner):
    """The same on the emulators, with two workers for each service."""

    def start(self) -> None:
        environ = self._environ | {"WEB_CONCURRENCY": "2"}
        self.stack = self.started.enter_context(Stack(self._folder / "stack", environ))

    @property
    def ingest_url(self) -> str:
        return self.stack.ingest_url

    @property
    def read_url(self) -> str:
        return self.stack.read_url


@pytest.fixture
def runner_of(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    with ExitStack() as stack:

        def made(kind: type[Runner] = Runner, **said: str) -> Runner:
            runner = kind(tmp_path, stack.enter_context(scripted_whisper()).url, **said)
            stack.enter_context(runner.started)
            runner.start()
            return runner

        yield made


def all_told(runner: Runner, told: Told, meetings: list[str]) -> bool:
    return all(
        (finals := runner.finals(meeting)) and told.finals(meeting) == finals and told.completions(meeting) == 1
        for meeting in meetings
    )


def test_a_receiver_that_hangs_delays_no_other(runner_of: Callable[..., Runner]) -> None:
    with receiving() as good, receiving() as second, receiving(hangs) as hanging, receiving() as engine:
        runner = runner_of(ENGINE_API_URL=f"http://127.0.0.1:{engine.port}", ENGINE_API_TOKEN="hush")
        told = runner.webhook(good)
        runner.webhook(second)  # as many receivers before as after
        alone = [f"alone-{number}" for number in range(4)]
        for meeting in alone:
            runner.record(meeting)
        until(lambda: all_told(runner, told, alone), "everything is told")
        before_ms = told.latencies_ms()
        (_, replaced) = runner.ask("GET", "/v1/webhooks")["webhooks"]
        runner.ask("PATCH", f"/v1/webhooks/{replaced['id']}", json={"url": hanging.url})
        beside = [f"beside-{number}" for number in range(4)]
        for meeting in beside:
            runner.record(meeting)
        until(lambda: all_told(runner, told, beside), "everything is told beside one that hangs")
        until(lambda: len(hanging.got) > 0, "the other one hangs")
        with_ms = told.latencies_ms()[len(before_ms) :]
        segments = {segment for meeting in alone + beside for segment in runner.finals(meeting)}
        ids = [message_id for message_id, _, _ in told.messages]
        assert len(set(ids)) == len(ids), "each message came once"
        until(lambda: engine_finals(engine) == segments, "the Engine API has every final segment")
        assert all(b"Authorization: Bearer hush" in request for request in engine.requests)
        assert len(hanging.got) <= 2, "who hangs was tried at both of its places at most"
    print(
        f"\nstored to delivered, ms: beside one that is well {spread(before_ms)}; beside one that hangs {spread(with_ms)}"
    )
    assert max(with_ms) < 10_000, "less than it hangs for"


def engine_finals(engine: Receiving) -> set[str]:
    bodies = [request.partition(b"\r\n\r\n")[2] for request in list(engine.requests)]
    return {each["segment_id"] for body in bodies for each in json.loads(body) if each["final"]}


def spread(ms: list[float]) -> str:
    return f"p50 {statistics.median(ms):.0f}, max {max(ms):.0f} of {len(ms)}"


def test_what_is_owed_outlives_the_process(runner_of: Callable[..., Runner]) -> None:
    """A receiver that fails, a runner that is killed in the middle, and another one on the same folder."""
    behaviour = [BUSY]
    with receiving(lambda connection, server: behaviour[0](connection, server)) as server:
        runner = runner_of()
        told = runner.webhook(server)
        runner.record("m1")
        until(lambda: len(server.got) >= 2, "it was tried")
        runner.kill()
        refused = told.forget()
        behaviour[0] = answering(b"HTTP/1.1 204 No Content\r\n\r\n")
        runner.start()
        until(lambda: bool(runner.finals("m1")), "the transcript is complete")
        until(lambda: told.finals("m1").keys() == runner.finals("m1").keys(), "everything is told", 150)
        until(lambda: told.completions("m1") >= 1, "the end is told", 150)
        ids = [message_id for message_id, _, _ in told.messages]
        assert refused <= set(ids), "with the ids that it had before"
        assert len(ids) == len(set(ids)), "and once"


@pytest.mark.component("emulators")
def test_on_the_cloud_s_adapters_everybody_is_told_everything_too(runner_of: Callable[..., Runner]) -> None:
    with receiving() as good, receiving(hangs) as hanging, receiving() as engine:
        runner = runner_of(OnStack, ENGINE_API_URL=f"http://127.0.0.1:{engine.port}")
        runner.webhook(hanging)
        told = runner.webhook(good)
        time.sleep(6)  # as long as a process remembers that there was no webhook
        meetings = [f"meeting-{number}" for number in range(3)]
        for meeting in meetings:
            runner.record(meeting)
        until(lambda: all_told(runner, told, meetings), "everything is told")
        segments = {segment for meeting in meetings for segment in runner.finals(meeting)}
        until(lambda: engine_finals(engine) == segments, "the Engine API has every final segment")
    print(f"\nstored to delivered on the emulators, ms: {spread(told.latencies_ms())}")
