"""A load step in short: real services, uploaders and a stand-in for Whisper in processes of their own, and all audio accounted for."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import urllib3

from bench.load_logs import Logs, Said, take_in
from bench.load_report import Report, Revisions, Spread, Step, spread, table
from bench.load_usage import usage
from bench.load_whisper import Latency, server
from common.clock import SystemClock
from whisper_service.admission import Admission

NOTHING = Spread(0.0, 0.0, 0.0)
SERVICES = {"ingest", "segmenter", "transcribe"}


def run(tmp_path: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "bench.load", *arguments]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=560, check=False)
    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.iterdir()) == []
    return ran.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.component("redis")
def test_with_one_call_of_whisper_at_a_time_no_audio_of_three_streams_is_lost(tmp_path: Path) -> None:
    asked = (
        "--streams",
        "1,3",
        "--seconds",
        "9",
        "--whisper-workers",
        "1",
        "--whisper-queue",
        "0",
        "--call-sec",
        "1.5",
    )
    report = json.loads(run(tmp_path, "--all", "--json", *asked))
    assert [step["streams"] for step in report["steps"]] == [1, 3]
    for step in report["steps"]:
        assert step["lost_ms"] == step["incomplete"] == 0
        assert step["audio_s"] == 9 * step["streams"]
        assert step["cpu_per_audio_s"].keys() == SERVICES
        assert step["besides_cpu_per_audio_s"].keys() == {"redis", "queue"}
        assert step["resident_mib"].keys() == step["descriptors"].keys() == SERVICES | {"redis", "queue"}
        assert step["uploads_refused"] == step["uploads_failed"] == 0
        assert step["requests_per_s"].keys() == SERVICES
        assert step["redis_bytes_per_stream"] > 0
        assert step["finals"] > 0
        assert step["live"]["announced"] >= sum(step["live"]["given_up"].values())


def step(streams: int, **changed: object) -> Step:
    fields: dict[str, object] = {
        "streams": streams,
        "audio_s": 60.0 * streams,
        "played_s": 70.0,
        "complete_s": 1.0,
        "cpu_per_audio_s": {"ingest": 0.01},
        "besides_cpu_per_audio_s": {"redis": 0.001},
        "streams_per_core": 100.0,
        "machine_busy": 0.5,
        "resident_mib": {"ingest": 90.0},
        "resident_mib_per_stream": 0.5,
        "descriptors": {"ingest": 30},
        "redis_bytes_per_stream": 20_000,
        "requests_per_s": {"ingest": 13.0},
        "live": Revisions(100, {"audio_gone": 8}, 0),
        "finals": 50,
        "final_behind_ms": Spread(1_000.0, 4_000.0, 5_000.0),
        "upload_ms": NOTHING,
        "upload_late_ms": NOTHING,
        "uploads_refused": 0,
        "uploads_failed": 0,
        "troubles": {},
        "lost_ms": 0,
        "incomplete": 0,
    }
    return Step(**{**fields, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"live": Revisions(100, {"too_old": 15}, 6)},
        {"final_behind_ms": Spread(1_000.0, 15_001.0, 20_000.0)},
        {"upload_late_ms": Spread(10.0, 3_001.0, 4_000.0)},
        {"uploads_refused": 1},
        {"uploads_failed": 1},
    ],
)
def test_live_text_that_is_shed_late_finals_and_refused_uploads_are_past_capacity(changed: dict[str, object]) -> None:
    assert not step(10).past_capacity
    assert step(10, **changed).past_capacity


def test_the_table_has_a_column_for_each_step_and_a_row_for_each_reason() -> None:
    more = step(
        20, live=Revisions(200, {"processing_threads_busy": 100}, 20), troubles={"ingest: unhandled_error, E": 2}
    )
    whisper = {"workers": 16, "queue": 8, "call_s": 0.6, "audio_factor": 0.05}
    lines = table(Report("embedded", 60.0, whisper, 2, [step(10), more])).splitlines()

    def cells(title: str) -> list[str]:
        return next(line for line in lines if line.strip().startswith(title))[60:].split()

    assert cells("streams ") == ["10", "20"]
    assert cells("past capacity") == ["no", "yes"]
    assert cells("processing_threads_busy") == ["0.0%", "50.0%"]
    assert cells("late") == ["0.0%", "10.0%"]
    assert cells("ingest: unhandled_error, E") == ["0", "2"]


def test_log_lines_are_counted_once_and_half_lines_later(tmp_path: Path) -> None:
    log = tmp_path / "transcribe.log"
    lines = [
        {"message": "request", "status": 204},
        {"message": "provisional_given_up", "reason": "too_old"},
        {"message": "transcript_stored", "final": True, "behind_ms": 1_200},
        {"message": "transcript_stored", "final": False, "behind_ms": None},
        {"message": "push_backpressure", "reason": "processing_threads_busy"},
    ]
    text = "Traceback (most recent call last):\n" + "".join(json.dumps(line) + "\n" for line in lines)
    log.write_text(text[:-5])
    logs = Logs({"transcribe": log})
    first = logs.news()
    assert first.answers == {("transcribe", 204): 1}
    assert first.given_up == {"too_old": 1}
    assert first.behind_ms == {False: [], True: [1_200]}
    assert not first.troubles
    log.write_text(text)
    second = logs.news()
    assert second.troubles == {"transcribe: push_backpressure, processing_threads_busy": 1}
    assert not second.answers


def test_lines_of_the_segmenter_say_what_was_announced() -> None:
    found = Said()
    take_in(found, "segmenter", [b'{"message":"segment_announced","final":false}', b'{"message":"other"}', b"{}"])
    assert found.announced == {False: 1}


def test_a_spread_is_of_nearest_ranks() -> None:
    assert spread([]) is None
    assert spread([float(value) for value in range(100, 0, -1)]) == Spread(51.0, 96.0, 100.0)


def test_the_usage_of_a_group_is_that_of_all_its_processes() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"1\n"
        found = usage(parent.pid)
        parent.communicate(b"\n", timeout=30)
    assert found.threads == 2
    assert found.descriptors >= 6
    assert found.resident_bytes > found.private_bytes > 1 << 20


@contextmanager
def whisper(workers: int, queue: int) -> Iterator[str]:
    serving = server(0, Admission(workers=workers, queue=queue, clock=SystemClock()), Latency(0.3, 0.0))
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_port}"
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


def test_the_stand_in_for_whisper_works_queues_and_refuses_as_the_real_one_does() -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(16_000, np.int16), 16_000, format="FLAC")
    with whisper(workers=1, queue=1) as url, ThreadPoolExecutor(6) as callers, urllib3.PoolManager(6) as pool:
        calls = [callers.submit(pool.request, "POST", url, body=file.getvalue(), retries=False) for _ in range(6)]
        answers = [call.result() for call in calls]
        stats = pool.request("GET", f"{url}/v1/stats").json()
    statuses = sorted(answer.status for answer in answers)
    assert statuses[:2] == [200, 200]
    assert statuses[-1] == 429
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status == 429)
    assert stats["requests"] == statuses.count(200)
    assert stats["rejected"] == statuses.count(429)
    assert Latency(0.6, 0.05).of(10.0) == pytest.approx(1.1)
