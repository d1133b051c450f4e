"""Each service in a gunicorn process of its own, as its image runs it, on one DATA_DIR and a real Redis; Whisper beside them.

The queue's dispatcher and the sweep's timer, which the cloud has in Pub/Sub and Scheduler, run in the test.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
import urllib3

from common.adapters.embedded.data_dir import DataDir
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Subscription
from common.clock import SystemClock
from common.events import SEGMENTS_TOPIC, STREAM_EVENTS_TOPIC
from common.settings import Secret
from local_runner.sweep_timer import SweepTimer
from tests.e2e.conftest import Demo, completed, without_ids
from tests.e2e.playing import play_conversation
from tests.e2e.remembering_whisper import RememberingWhisper
from tests.waiting import until
from turnscribe.client import Client

pytestmark = [pytest.mark.component("whisper", "redis"), pytest.mark.slow, pytest.mark.timeout(400)]

API_TOKEN, PUSH_TOKEN = "reader-and-uploader", "only-the-queue"


class Service:
    """A service's process, which a test may kill and start again on the same port."""

    def __init__(self, name: str, environ: dict[str, str]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self._application = f"{name}.bootstrap:application()"
        self._environ = environ
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{self.listener.fileno()}", "--timeout", "0"]
        command += ["--worker-class", "gthread", "--threads", "8", "--no-control-socket", self._application]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command,
            env=self._environ,
            pass_fds=[self.listener.fileno()],
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
        )
        return self.process

    def kill(self) -> None:
        """Arbiter and worker at once, without a chance to finish anything."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.listener.close()

    def is_ready(self) -> bool:
        return urllib3.request("GET", f"{self.url}/health/ready", retries=False, timeout=30).status == 200


class Stack:
    """All processes of one installation."""

    def __init__(self, data_dir: Path, redis_port: int, whisper_url: str, running: ExitStack) -> None:
        keep = {name: value for name, value in os.environ.items() if not name.startswith("TURNSCRIBE_")}
        environ = {
            **keep,
            "API_TOKEN": API_TOKEN,
            "PUSH_TOKEN": PUSH_TOKEN,
            "DATA_DIR": str(data_dir),
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(redis_port),
            "SPEAKER_DELAY_SEC": "1",
            "SPEAKER_WAIT_SEC": "30",
            "TRANSCRIBER_STEP_SEC": "60",
            "PUSH_ACK_DEADLINE_SEC": "120",
        }

        def service(name: str, **own: str) -> Service:
            started = Service(name, environ | own)
            running.callback(started.stop)
            return started

        self.ingest = service("ingest_service")
        self.segmenter = service("segmenter_service")
        self.transcribe = service("transcribe_service", WHISPER_SERVICE_URL=whisper_url)
        self.redis = redis.Redis("127.0.0.1", redis_port)
        running.callback(self.redis.close)
        queue = SqliteQueue(DataDir(data_dir).queue, SystemClock())
        running.callback(queue.close)
        for name, topic, target in (
            ("segmenter", STREAM_EVENTS_TOPIC, self.segmenter),
            ("transcribe", SEGMENTS_TOPIC, self.transcribe),
        ):
            queue.subscribe(
                Subscription(
                    name=name, topic=topic, endpoint=f"{target.url}/push/{name}", ack_deadline_s=120, max_backoff_s=1.0
                )
            )
        dispatcher = PushDispatcher(queue, Secret(PUSH_TOKEN), SystemClock())
        dispatcher.start()
        running.callback(dispatcher.stop, 30)
        sweep = SweepTimer(f"{self.segmenter.url}/sweep", Secret(PUSH_TOKEN), 1.0)
        sweep.start()
        running.callback(sweep.stop, 30)
        for each in (self.ingest, self.segmenter, self.transcribe):
            until(each.is_ready, "every service is ready")


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, redis_server: int, shared_whisper: RememberingWhisper
) -> Iterator[Stack]:
    with ExitStack() as running:
        yield Stack(tmp_path_factory.mktemp("separate"), redis_server, shared_whisper.url, running)


@pytest.mark.parametrize("fault", ["none", "segmenter killed", "redis flushed"])
def test_three_processes_and_a_redis_say_what_one_process_says(stack: Stack, uninterrupted: Demo, fault: str) -> None:
    def strike() -> None:
        time.sleep(0.5)  # so that the fault strikes while there is something in hand
        if fault == "segmenter killed":
            stack.segmenter.kill()
            stack.segmenter.start()
        elif fault == "redis flushed":
            stack.redis.flushall()

    with Client(stack.ingest.url, API_TOKEN) as uploads, Client(stack.transcribe.url, API_TOKEN) as reads:
        stream = play_conversation(uploads, in_the_middle=strike)
        transcript = completed(reads, stream.meeting_id)
    assert without_ids(transcript) == without_ids(uninterrupted.transcript)
