import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.ingest_report import Report, Requests, table

CONNECTIONS = {"1", "8", "32"}


def run(tmp_path: Path, *arguments: str) -> str:
    """What the bench prints."""
    command = [sys.executable, "-m", "bench.ingest", "--chunks", "32", *arguments]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=150, check=False)
    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.iterdir()) == []
    return ran.stdout


def test_it_measures_ingest_next_to_the_bare_route(tmp_path: Path) -> None:
    report = json.loads(run(tmp_path, "--json"))
    assert report["chunks"] == 3 * 32
    assert report["cpu_ms_per_chunk"] > 0
    assert report["cpu_ms_bare_route"] >= 0  # the kernel counts in steps of 10 ms
    assert report.keys() >= {"ratio", "cpu_ms_per_call", "chunk_bytes"}
    assert report["servers"].keys() == {"ingest", "bare route"}
    for figures in report["servers"].values():
        assert figures.keys() == CONNECTIONS
        assert all(each["requests_per_s"] > 0 for each in figures.values())
    assert {"FileBlobStore.create", "QueuePublisher.publish"} < report["cpu_ms_per_call"].keys()


@pytest.mark.slow
@pytest.mark.component("emulators")
def test_it_names_what_each_client_library_of_the_cloud_costs(tmp_path: Path) -> None:
    report = json.loads(run(tmp_path, "--cloud", "--json"))
    assert report["cpu_ms_per_chunk_cloud"] > 0
    assert report["servers"]["ingest, cloud"].keys() == CONNECTIONS
    calls = {name for name in report["cpu_ms_per_call"] if name.startswith("google-cloud-")}
    assert calls == {
        "google-cloud-storage: create",
        "google-cloud-pubsub: publish",
        "google-cloud-firestore: token look-up",
    }


def test_the_table_has_a_column_for_each_server_and_says_the_ratio() -> None:
    figures = {number: Requests(123.4, 1.25, 1.0, 0.25) for number in (1, 8)}
    report = Report(
        cpu_ms_per_chunk=1.25,
        cpu_ms_bare_route=0.5,
        ratio=2.5,
        chunks=96,
        chunk_bytes=24_576,
        servers={"ingest": figures, "bare route": figures},
        cpu_ms_per_call={"FileBlobStore.create": 0.2},
    )
    lines = table(report).splitlines()
    assert lines[0].split()[-3:] == ["ingest", "bare", "route"]
    assert [line.split()[-2:] for line in lines if line.startswith("requests/s")] == [["123", "123"]] * 2
    assert any(line.startswith("ratio") and line.endswith("2.50") for line in lines)
    assert not any("cloud's adapters" in line for line in lines)
