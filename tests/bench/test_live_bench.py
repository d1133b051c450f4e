import json
import os
import subprocess
import sys
from pathlib import Path

from bench.live_report import Report, table, watching


def test_it_measures_the_way_from_the_store_to_the_last_reader(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.live", "--readers", "0", "2", "--segments", "2", "--pace", "0.1", "--json"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=150, check=False)
    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.iterdir()) == []
    report = json.loads(ran.stdout)
    assert report.keys() >= {"segments", "pace_s", "history", "runs", "cpu_ms_per_event_and_reader"}
    for runs in report["runs"].values():
        assert runs.keys() == {"0", "2"}
        assert runs["0"]["last_ms"] is None
        assert 0 < runs["2"]["first_ms"]["p50"] <= runs["2"]["last_ms"]["p50"] <= runs["2"]["last_ms"]["p95"]


def test_the_table_has_a_column_for_each_number_of_readers() -> None:
    none = watching([], cpu_s=0.1, segments=2, resident_bytes=100 << 20)
    two = watching([[1.0, 3.0], [2.0, 4.0]], cpu_s=0.2, segments=2, resident_bytes=120 << 20)
    report = Report(
        segments=2, pace_s=0.1, history=3, runs={"here": {0: none, 2: two}}, cpu_ms_per_event_and_reader=25.0
    )
    printed = table(report)
    assert "3.5 / 4.0" in printed
    assert "2 readers" in printed
    assert printed.endswith("25.000")
