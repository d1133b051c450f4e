"""The service as it is started: its own process, over HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

pytestmark = pytest.mark.component("whisper")

ROOT = Path(__file__).parents[2]


class RunningServer:
    def __init__(self, **environ):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.http = urllib3.PoolManager(maxsize=8, retries=False)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "whisper_service"],
            cwd=ROOT,
            env={**os.environ, "API_PORT": str(self.port), "PORT": "", **environ},
            stdout=subprocess.DEVNULL,
        )

    def get(self, path):
        return self.http.request("GET", f"http://127.0.0.1:{self.port}{path}", timeout=30)

    def transcribe(self, audio, **fields):
        form = {"file": ("audio", audio), "model": "any", **fields}
        return self.http.request(
            "POST", f"http://127.0.0.1:{self.port}/v1/audio/transcriptions", fields=form, timeout=120
        )

    def words(self, audio):
        return self.transcribe(audio, response_format="verbose_json", **{"timestamp_granularities[]": "word"})

    def wait_for(self, path, until):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the server ended"
            try:
                answer = self.get(path)
            except urllib3.exceptions.HTTPError:
                time.sleep(0.02)
                continue
            if until(answer):
                return answer
            time.sleep(0.02)
        raise AssertionError(f"{path} did not come to it")

    def wait_until_ready(self):
        self.wait_for("/health/ready", lambda answer: answer.status == 200)
        return self

    def stop(self):
        self.http.clear()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)


@pytest.fixture(scope="module")
def server():
    running = RunningServer()
    yield running.wait_until_ready()
    assert running.stop() == 0


def test_speech_goes_in_and_words_come_out(server, speech_wav):
    answer = server.words(speech_wav)
    body = answer.json()
    assert answer.status == 200
    assert body["text"].lower().startswith("good morning")
    assert body["duration"] == 12.0
    assert {"word", "start", "end", "probability"} == set(body["words"][0])
    assert int(answer.headers["X-Processing-Ms"]) > 0


def test_the_same_audio_gives_the_same_bytes_from_both_workers(server, speech_wav):
    first = server.words(speech_wav).data
    with ThreadPoolExecutor(2) as pool:
        again = [answer.data for answer in pool.map(server.words, [speech_wav] * 4)]
    assert again == [first] * 4


def test_it_counts_its_work(server, speech_wav):
    before = server.get("/v1/stats").json()
    server.transcribe(speech_wav)
    after = server.get("/v1/stats").json()
    assert after["requests"] - before["requests"] == 1
    assert after["audio_seconds"] - before["audio_seconds"] == pytest.approx(12)
    assert after["busy_seconds"] > before["busy_seconds"]


def test_a_body_over_the_limit_is_answered_and_the_server_goes_on(server):
    answer = server.transcribe(bytes(26 * 1024 * 1024))
    assert answer.status == 413
    assert server.get("/health").status == 200


def test_beyond_the_queue_it_says_429_and_sigterm_lets_those_inside_end(conversation, as_wav):
    server = RunningServer(WHISPER_WORKERS="1", WHISPER_QUEUE="0", WHISPER_API_TOKEN="").wait_until_ready()
    try:
        with ThreadPoolExecutor(1) as pool:
            inside = pool.submit(server.words, as_wav(conversation[: 30 * 16_000]))
            server.wait_for("/v1/stats", lambda answer: answer.json()["running"] == 1)
            refused = server.transcribe(as_wav(conversation[:16_000]))
            server.process.send_signal(signal.SIGTERM)
            answer = inside.result(120)
    finally:
        ended = server.stop()
    assert (refused.status, refused.headers["Content-Type"]) == (429, "application/problem+json")
    assert int(refused.headers["Retry-After"]) >= 1
    assert answer.status == 200
    assert answer.json()["words"][-1]["end"] > 25
    assert ended == 0


def test_a_wrong_setting_ends_it_with_one_line_that_names_it():
    wrong = subprocess.run(
        [sys.executable, "-m", "whisper_service"],
        cwd=ROOT,
        env={**os.environ, "WHISPER_MODEL": "/no/such/folder", "WHISPER_BEAM_SIZE": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert wrong.returncode == 78
    assert wrong.stderr.startswith("WHISPER_BEAM_SIZE: ")
    assert len(wrong.stderr.splitlines()) == 1


def test_json_is_what_openai_s_clients_read(server, speech_wav):
    assert list(json.loads(server.transcribe(speech_wav).data)) == ["text"]


def test_a_gpu_that_is_wanted_and_missing_ends_it_with_one_line():
    wrong = subprocess.run(
        [sys.executable, "-m", "whisper_service"],
        cwd=ROOT,
        env={**os.environ, "WHISPER_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert wrong.returncode == 78
    assert wrong.stderr.startswith("WHISPER_DEVICE: no CUDA device is here")
    assert len(wrong.stderr.splitlines()) == 1


def test_it_is_ready_once_the_model_is_loaded_and_not_before():
    server = RunningServer(WHISPER_DEVICE="auto", WHISPER_COMPUTE_TYPE="int8_float32", WHISPER_WORKERS="1")
    try:
        first = server.wait_for("/health/ready", lambda answer: answer.status in {200, 503})
        ready = server.wait_for("/health/ready", lambda answer: answer.status == 200)
        assert first.json()["components"]["model"] == ("model_loading" if first.status == 503 else "ok")
        assert ready.json()["components"] == {"model": "ok"}
    finally:
        assert server.stop() == 0
