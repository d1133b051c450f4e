import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.cost_counts import PUBSUB_OVERHEAD_BYTES, message_bytes, request_kind, storage_operation
from bench.cost_load import conversation_s, repeated
from bench.cost_model import (
    Assumptions,
    gpu_seconds,
    hour_costs,
    instance_seconds,
    measured,
    month_costs,
    prices,
    total,
    whisper_costs,
)
from bench.cost_report import table, used
from bench.cost_whisper import answer, flac_seconds
from common.events import Message
from turnscribe.demo.speakers import Turn

SERVICES = ("ingest", "segmenter", "transcribe")
EMPTY = {"cpu_s": 0.0, "log_bytes": 0.0}
ASSUMED = Assumptions()


@pytest.mark.slow
@pytest.mark.component("emulators")
@pytest.mark.component("redis")
def test_it_counts_what_a_meeting_uses_on_the_cloud_s_adapters(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.cost", "--streams", "1", "--minutes", "1", "--window-sec", "2", "--json"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert [each for each in tmp_path.iterdir() if each.is_dir()] == [], "the stack's folder is gone"
    report = json.loads(ran.stdout)
    hour = report["hour"]
    assert report["audio_s"] == pytest.approx(60, abs=0.1)
    assert (hour["requests"]["chunks"], hour["requests"]["speakers"]) == (1_200, 1_800)
    assert hour["messages"]["stream-events"] == 1_200 + 1_800 + 60
    assert hour["requests"]["push segmenter"] >= hour["messages"]["stream-events"]
    assert hour["segment_s"]["final"] > report["speech_s"] * 60 * 0.9
    assert report["whisper"]["audio_s"] <= sum(hour["segment_s"].values())
    assert report["whisper"]["audio_s"] >= hour["segment_s"]["final"]
    assert hour["storage_operations"]["insert"] > 3_000
    assert hour["firestore"]["writes"] > 0
    assert report["stored_bytes"]["chunks"] > 10_000_000
    assert 1_000 < report["redis_bytes_per_connection"] < 1_000_000
    assert report["sweeps"]["requests"] == {"sweep": 4}
    assert report["firestore_reads_per_transcript"] >= hour["segments"]["final"], "each segment is a document"
    for service in SERVICES:
        assert hour["services"][service]["cpu_s"] > 0
        assert hour["services"][service]["log_bytes"] > 0


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("PUT", "/v1/streams/c-1/chunks/7", "chunks"),
        ("POST", "/v1/streams/c-1/speakers", "speakers"),
        ("POST", "/v1/streams/c-1/end", "end"),
        ("GET", "/v1/streams/c-1", "other"),
        ("POST", "/push/segmenter", "push segmenter"),
        ("POST", "/sweep", "sweep"),
        ("POST", "/sweep/lifecycle", "sweep"),
        ("GET", "/health/ready", "health"),
    ],
)
def test_requests_are_told_apart(method: str, path: str, kind: str) -> None:
    assert request_kind(method, path) == kind


@pytest.mark.parametrize(
    ("method", "url", "operation"),
    [
        ("POST", "http://gcs.example/upload/storage/v1/b/bucket/o?uploadType=multipart&ifGenerationMatch=0", "insert"),
        ("GET", "http://gcs.example/storage/v1/b/bucket/o?prefix=raw%2F&alt=json", "list"),
        ("GET", "http://gcs.example/download/storage/v1/b/bucket/o/raw%2Fx?alt=media", "read"),
        ("GET", "http://gcs.example/storage/v1/b/bucket/o/raw%2Fx?projection=noAcl", "metadata"),
        ("DELETE", "http://gcs.example/storage/v1/b/bucket/o/raw%2Fx", "delete"),
        ("GET", "http://certificates.example/certs", ""),
    ],
)
def test_operations_have_the_class_that_they_are_billed_in(method: str, url: str, operation: str) -> None:
    assert storage_operation(method, url) == operation


def test_a_message_counts_with_its_attributes() -> None:
    assert message_bytes(Message(data=b"12345", attributes={"a": "bc", "ü": ""})) == 5 + 3 + 2 + PUBSUB_OVERHEAD_BYTES


@pytest.mark.parametrize("seconds", [0.4, 5.0, 61.25])
def test_the_length_of_what_whisper_gets_is_read_out_of_the_audio(seconds: float) -> None:
    flac = io.BytesIO()
    soundfile.write(flac, np.zeros(round(seconds * 16_000), np.int16), 16_000, format="FLAC")
    assert flac_seconds(b"--part\r\n\r\n" + flac.getvalue() + b"\r\n--part--") == seconds


def test_the_stand_in_says_as_many_words_as_people_do_and_none_outside_the_audio() -> None:
    heard = answer(10.4)
    assert len(heard["words"]) == 25
    assert all(0.2 <= word["start"] < word["end"] <= 10.4 for word in heard["words"])
    with pytest.raises(ValueError, match="subsection"):
        flac_seconds(b"no audio")


def test_who_spoke_is_repeated_with_the_recording() -> None:
    period_s = conversation_s()
    turns = repeated([Turn("a", 1.0, 2.0), Turn("b", 3.0, 4.0)], 2 * period_s + 3.5)
    assert [(turn.speaker, round(turn.start - period_s * (n // 2), 3)) for n, turn in enumerate(turns)] == [
        *[("a", 1.0), ("b", 3.0)] * 3
    ]
    assert turns[-1].end == pytest.approx(2 * period_s + 3.5)


def test_two_readings_become_what_was_used_between_them() -> None:
    begin = {
        name: {"cpu_s": 1.0, "log_bytes": 100.0, "messages:t": 5.0, "billed_bytes:t": 5_000.0} for name in SERVICES
    }
    begin["api"] = EMPTY
    begin["redis"] = {"commands": 10.0, "bytes": 100.0}
    end = {name: dict(numbers) for name, numbers in begin.items()}
    end["ingest"] |= {"cpu_s": 3.0, "messages:t": 7.0, "billed_bytes:t": 7_000.0, "requests:chunks": 2.0}
    end["segmenter"] |= {"requests:push segmenter": 3.0, "requests:health": 1.0, "billed_seconds:push segmenter": 0.3}
    end["redis"] = {"commands": 14.0, "bytes": 100.0}
    spent = used(begin, end, 10)
    assert spent.services["ingest"].cpu_s == 20
    assert spent.services["segmenter"].billed_s == 3
    assert spent.services["transcribe"].requests == 0
    assert spent.messages == {"t": 20}
    assert spent.requests == {"chunks": 20, "push segmenter": 30}, "health checks are the bench's own"
    assert spent.pushed_billed_bytes == 30_000, "three pushes of two messages of 1,000 bytes each, ten times"
    assert spent.redis_commands == 40


def test_an_instance_is_billed_for_one_stream_by_the_request_and_for_many_by_the_work() -> None:
    assert instance_seconds(400, 50, 1e-6) == pytest.approx(400, rel=1e-3)
    assert 400 > instance_seconds(400, 50, 10) > instance_seconds(400, 50, 100) >= 50
    assert instance_seconds(400, 50, 1_000) == 50


def test_more_hours_a_day_make_an_hour_cheaper_and_a_month_dearer() -> None:
    report, price = measured().runs["default"], prices()
    hours = [total(report, price, each, ASSUMED) for each in (1, 100, 10_000)]
    assert hours == sorted(hours, reverse=True)
    months = [hour * each for hour, each in zip(hours, (1, 100, 10_000), strict=True)]
    assert months == sorted(months)


def test_the_total_is_the_sum_of_its_lines() -> None:
    report, price = measured().runs["default"], prices()
    lines = (
        sum(hour_costs(report, price, 24, ASSUMED).values()) + whisper_costs(report, price, 24, ASSUMED)["hosted API"]
    )
    month = sum(month_costs(report, price, 24, ASSUMED).values())
    assert total(report, price, 24, ASSUMED, "hosted API") == pytest.approx(lines + month / 730)


def test_a_gpu_is_paid_for_as_long_as_some_meeting_runs_and_then_by_its_work() -> None:
    report = measured().runs["default"]
    assert gpu_seconds(report, 0.001, ASSUMED) == pytest.approx(3600 + ASSUMED.whisper_idle_s, rel=1e-3)
    work_s = report.whisper.audio_s * ASSUMED.whisper_factor / ASSUMED.utilization
    assert gpu_seconds(report, 1e6, ASSUMED) == work_s


def test_prices_say_what_they_are_for_and_whether_somebody_looked() -> None:
    stated = prices()
    assert (stated.currency, stated.region, len(stated.looked_up)) == ("USD", "us-central1", 10)
    for price in stated.prices.values():
        assert price.usd > 0
        assert "" not in (price.what, price.per, price.source)
        assert price.confirmed != ("from memory" in price.source or "as articles quote it" in price.source)


def test_the_table_has_a_line_for_every_figure() -> None:
    report = measured().runs["default"]
    printed = table(report)
    assert "an hour of audio" in printed
    assert f"{report.whisper.audio_s:,.10g}" in printed
    assert "services segmenter cpu_s" in printed
