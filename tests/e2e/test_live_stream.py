"""`turnscribe stream -`, as people run it: a recorder writes into a pipe, and everything between here and the bucket may break."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from local_cloud.process_times import is_stopped
from tests.e2e.conftest import completed, demo_environment
from tests.ingest_service.websocket.ingest_process import TOKEN, IngestProcess
from tests.waiting import until
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION
from turnscribe.live import LiveStream
from turnscribe.local_server import LocalServer, free_port

RECORDER = (
    "ffmpeg -nostdin -loglevel error -re -f lavfi -i sine=frequency=300:duration={seconds} -c:a libopus -f webm -"
)
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[IngestProcess]:
    with IngestProcess(tmp_path) as running:
        yield running


@pytest.fixture
def start(ingest: IngestProcess) -> Iterator[Start]:
    """Starts the command in a process group of its own, behind `before` in a shell where that is given."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*options: str, before: str = "") -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "turnscribe", "stream", "-", "--meeting", "standup", "--connection", "mic"]
        command += ["--url", ingest.url, "--json", *options]
        command += [] if before else ["--content-type", "audio/pcm;rate=16000"]
        process = subprocess.Popen(
            ["sh", "-c", f'trap : INT; {before} | "$@"', "sh", *command] if before else command,
            env={**os.environ, "TURNSCRIBE_TOKEN": TOKEN},
            stdin=subprocess.DEVNULL if before else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def result(process: "subprocess.Popen[bytes]") -> tuple[int, dict[str, Any], str]:
    """Exit status, the document on standard output, and standard error."""
    out, errors = process.communicate(timeout=60)
    return process.returncode, json.loads(out or b"{}"), errors.decode()


def stored(ingest: IngestProcess) -> bytes:
    chunks = ingest.stored("mic")
    assert list(chunks) == list(range(len(chunks)))
    return b"".join(chunks.values())


@pytest.mark.component("ffmpeg")
def test_a_recorder_s_bytes_arrive_whatever_happens_to_the_server(
    ingest: IngestProcess, start: Start, tmp_path: Path
) -> None:
    sent = tmp_path / "sent.webm"
    process = start("--chunk-ms", "200", before=f"{RECORDER.format(seconds=5)} | tee {sent}")
    for count in (2, 6):
        until(lambda count=count: len(ingest.stored("mic")) >= count, "chunks are stored", 30)
        ingest.kill()
        time.sleep(0.3)  # so that the client sees nobody there
        ingest.start()
    status, told, errors = result(process)
    assert (status, told["bytes"]) == (0, sent.stat().st_size), errors
    assert "next try in" in errors
    assert stored(ingest) == sent.read_bytes()
    with Client(ingest.url, TOKEN) as client:
        status_of = client.stream_status("mic")
    assert (status_of.ended, status_of.last_seq) == (True, status_of.chunks - 1)


@pytest.mark.component("ffmpeg")
def test_ctrl_c_ends_the_stream_with_the_recorder_s_last_words(
    ingest: IngestProcess, start: Start, tmp_path: Path
) -> None:
    sent = tmp_path / "sent.webm"
    process = start("--chunk-ms", "100", before=f"{RECORDER.format(seconds=60)} | tee -i {sent}")
    until(lambda: len(ingest.stored("mic")) >= 3, "chunks are stored", 30)
    os.killpg(process.pid, signal.SIGINT)
    status, told, errors = result(process)
    assert (status, told["bytes"]) == (0, sent.stat().st_size), errors
    assert stored(ingest) == sent.read_bytes()
    with Client(ingest.url, TOKEN) as client:
        assert client.stream_status("mic").ended


def test_killed_and_started_again_it_goes_on_after_what_is_durable(ingest: IngestProcess, start: Start) -> None:
    first = start()
    assert first.stdin is not None
    first.stdin.write(b"the first half, ")
    first.stdin.flush()
    until(lambda: bool(ingest.stored("mic")), "the first half is stored", 30)
    first.kill()
    first.wait()
    second = start()
    out, _ = second.communicate(b"the second half", timeout=60)
    assert json.loads(out) == {"meeting_id": "standup", "connection_id": "mic", "chunks": 1, "bytes": 15}
    assert stored(ingest) == b"the first half, the second half"


def test_a_second_ctrl_c_gives_up_what_a_server_that_is_away_has_not_got(ingest: IngestProcess, start: Start) -> None:
    process = start()
    assert process.stdin is not None
    process.stdin.write(b"before it goes, ")
    process.stdin.flush()
    until(lambda: bool(ingest.stored("mic")), "the chunk is stored", 30)
    ingest.process.send_signal(signal.SIGSTOP)
    os.killpg(ingest.process.pid, signal.SIGSTOP)
    until(lambda: is_stopped(ingest.process.pid), "all its threads have stopped")
    process.stdin.write(b"and after")
    process.stdin.close()
    process.stdin = None
    time.sleep(0.5)  # so that the end is read and waits for its answer
    process.send_signal(signal.SIGINT)
    status, told, errors = result(process)
    os.killpg(ingest.process.pid, signal.SIGCONT)
    assert (status, told) == (130, {})
    assert "given up" in errors


@pytest.mark.parametrize(
    ("environ", "options", "status", "why"),
    [
        ({"TURNSCRIBE_TOKEN": "wrong"}, [], 1, "401"),
        ({"TURNSCRIBE_TOKEN": "", "API_TOKEN": ""}, ["--data-dir", "nowhere"], 2, "no token"),
        ({}, ["--language", "english!"], 1, "language"),
        ({}, ["--chunk-ms", "5"], 2, "--chunk-ms"),
    ],
)
def test_what_is_wrong_is_said(
    ingest: IngestProcess, environ: dict[str, str], options: list[str], status: int, why: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "turnscribe", "stream", "-", "--meeting", "m", "--url", ingest.url, *options],
        env={**os.environ, "TURNSCRIBE_TOKEN": TOKEN, **environ},
        input=b"bytes",
        capture_output=True,
        check=False,
    )
    assert done.returncode == status
    assert why in done.stderr.decode()


def test_the_local_server_sends_its_streams_away_when_it_stops(tmp_path: Path) -> None:
    environ = demo_environment() | {"WHISPER_SERVICE_URL": "http://127.0.0.1:9", "API_TOKEN": "t"}
    with LocalServer(tmp_path, free_port(), environ) as running:
        address = running.url.replace("http", "ws")
        url = f"{address}/v1/stream?meeting_id=m&connection_id=c&token=t"
        with connect(url, compression=None, proxy=None) as ws:
            assert json.loads(ws.recv(timeout=30))["type"] == "ready"
            ws.send(b"zero")
            assert json.loads(ws.recv(timeout=30)) == {"type": "ack", "seq": 0, "next_seq": 1}
            with Client(running.url, "t") as client:
                assert client.stream_status("c").chunks == 1  # /v1/streams is another route
            os.kill(running.pid, signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                ws.recv(timeout=30)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012


@pytest.mark.component("whisper")
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_is_said_is_shown_while_it_streams(server: LocalServer, client: Client) -> None:
    command = [sys.executable, "-m", "turnscribe", "stream", "-", "--meeting", "shown", "--connection", "shown-mic"]
    done = subprocess.run(
        [*command, "--url", server.url, "--language", "en", "--show", "--timeout", "120"],
        env={**os.environ, "TURNSCRIBE_TOKEN": server.token},
        input=CONVERSATION.read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    shown = [line.partition(": ")[2] for line in done.stdout.decode().splitlines()]  # in the order of getting ready
    assert sorted(shown) == sorted(each["text"] for each in completed(client, "shown")["utterances"])
    assert "good morning everyone" in done.stdout.decode().lower()


@pytest.mark.component("whisper")
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_live_from_the_sdk_is_the_same_recording(server: LocalServer, client: Client) -> None:
    data = CONVERSATION.read_bytes()
    with LiveStream(server.url, server.token, "live-sdk", "live-sdk-mic", content_type="audio/webm") as live:
        for at in range(0, len(data), 50_000):
            live.send(data[at : at + 50_000])
    (account,) = completed(client, "live-sdk")["streams"]
    assert (account["gaps"], account["quarantined"]) == ([], 0)
    assert account["audio_ms"] > 60_000
