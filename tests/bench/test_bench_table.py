"""`python -m bench`: what it makes of each bench's JSON, and that each bench has the options that it is given."""

from pathlib import Path

import msgspec
import pytest

from bench.__main__ import PARTS
from bench.cost_model import measured
from bench.summary import (
    Part,
    Row,
    of_captions,
    of_cold_start,
    of_cost,
    of_growth,
    of_hour,
    of_ingest,
    of_load,
    of_overhead,
    table,
)


@pytest.fixture
def root(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.rootpath


def test_ingest_is_compared_with_the_bare_route() -> None:
    found = {"cpu_ms_per_chunk": 1.5, "cpu_ms_bare_route": 0.5, "ratio": 3.0, "cpu_ms_per_chunk_cloud": 3.0}
    assert [(row.value, row.ratio) for row in of_ingest(found)] == [(1.5, 3.0), (3.0, 6.0)]
    assert len(list(of_ingest({key: value for key, value in found.items() if "cloud" not in key}))) == 1


def test_a_meeting_is_compared_with_its_first_minute_and_its_state_with_the_goal() -> None:
    found = {"cpu_ms_per_chunk": {"1": 10.0, "2": 11.0, "60": 12.0}, "hot_state_bytes_max": 32_768}
    rows = list(of_growth(found))
    assert [(row.value, row.ratio) for row in rows] == [(10.0, 1.0), (12.0, 1.2), (32_768, 0.5)]
    assert rows[-1].verdict.startswith("met")


def test_aims_that_are_missed_are_said_to_be() -> None:
    found = {"embedded": {"to_final_p50_ms": 100.0, "to_final_p95_ms": 301.0}}
    (_, most) = of_overhead(found)
    assert most.verdict == "MISSED (≤ 300)"
    cpu_s = {"ingest": 10.0, "segmenter": 15.0, "transcribe": 5.0}
    together = next(of_hour({"ingest_and_segmenter_cpu_s_per_hour": 25.0, "cpu_s_per_hour": cpu_s}))
    assert together.verdict == "met (≤ 25)"


def test_captions_and_starts_have_their_rows() -> None:
    delays = {"p50_ms": 3_000.0, "p95_ms": 6_000.0}
    captions = {"after_spoken": delays, "after_arrival": delays, "unavoidable_ms": 3_000.0, "ratio": 1.0}
    assert [row.ratio for row in of_captions(captions)] == [1.0, 2.0, 1.0]
    (start,) = of_cold_start({"ingest": {"ready": {"wall_ms": 750.0, "cpu_ms": 400.0}, "chunk": None}})
    assert (start.ratio, start.verdict) == (0.5, "met (≤ 1500)")


def test_more_streams_are_compared_with_fewer() -> None:
    fewer = {"streams": 2, "streams_per_core": 40.0, "resident_mib_per_stream": 9.0}
    more = {"streams": 8, "streams_per_core": 50.0, "resident_mib_per_stream": 4.5}
    per_core, memory = of_load({"steps": [fewer, more]})
    assert (per_core.measure, per_core.value, per_core.ratio) == ("8 live streams: as many per core", 50.0, 1.25)
    assert (memory.value, memory.ratio, memory.to) == (4.5, 0.5, "2 at a time")


def test_cost_is_computed_from_what_was_measured() -> None:
    report = msgspec.to_builtins(measured().runs["default"], str_keys=True)
    sent, gpu, hosted = of_cost(report)
    assert sent.unit == "s"
    assert sent.ratio > 1, "live revisions are sent besides the final segments"
    assert gpu.value > 0
    assert hosted.value > 0
    shorter, *_ = of_cost(report | {"audio_s": 1200.0})
    assert shorter == sent, "figures are for an hour, however long was played"


def test_the_table_says_value_ratio_and_verdict() -> None:
    row = Row("start to first answer", 900.0, "ms", 0.6, "the aim", 1_500)
    assert table([row]).splitlines()[-1].split() == [
        *("start", "to", "first", "answer", "900", "ms", "0.60", "the", "aim", "met", "(≤", "1500)"),
    ]


@pytest.mark.parametrize("part", PARTS, ids=[part.name for part in PARTS])
def test_each_bench_has_the_options_that_it_is_given(root: Path, part: Part) -> None:
    source = (root / "bench" / f"{part.name}.py").read_text()
    for option in {each for each in (*part.arguments, *part.brief, "--json") if each.startswith("--")}:
        assert f'"{option}"' in source, option
