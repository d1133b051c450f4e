"""The bench of cold starts: what it makes of its figures, and that it starts each service as its image does."""

import pytest

from bench.cold_start import Milliseconds, Start, Subject, _median, measure, table


def start(ready_ms: float, chunk_ms: float | None) -> Start:
    chunk = None if chunk_ms is None else Milliseconds(chunk_ms, chunk_ms / 2)
    return Start(Milliseconds(ready_ms, ready_ms / 2), chunk)


def test_the_middle_start_counts_for_each_figure() -> None:
    starts = [start(900, 1000), start(800, 5000), start(7000, 1100)]
    assert _median(starts) == Start(Milliseconds(900, 450), Milliseconds(1100, 550))
    assert _median([start(900, None)]) == start(900, None)


def test_the_table_has_a_line_for_each_service() -> None:
    lines = table({"ingest": start(900, 1000), "segmenter": start(800, None)}, 3).splitlines()
    assert lines[0].startswith("median of 3 starts")
    assert [line.split() for line in lines[1:]] == [
        ["ms,", "ingest", "900", "450", "1000", "500"],
        ["ms,", "segmenter", "800", "400", "-", "-"],
    ]


def test_on_the_clouds_adapters_the_command_is_the_same() -> None:
    assert Subject("ingest, cloud", {}).command == Subject("ingest", {}).command


@pytest.mark.slow
@pytest.mark.component("redis")
def test_each_service_and_the_runner_answer_and_take_a_chunk() -> None:
    found = measure(1, cloud=False, uncounted=0)
    assert {name: each.chunk is not None for name, each in found.items()} == {
        "ingest": True,
        "segmenter": False,
        "transcribe": False,
        "local runner": True,
    }
    for each in found.values():
        assert each.ready.wall_ms > 0 < each.ready.cpu_ms
        assert each.chunk is None or each.chunk.wall_ms > each.ready.wall_ms
