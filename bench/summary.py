"""The rows of `python -m bench`: what each bench's JSON says, as a measure with its ratio in the same run. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from bench.cost_model import Assumptions, prices, total
from bench.cost_report import Report

AIM_HOUR_CPU_S: Final = 25.0
"""Of ingest and segmenting together, for an hour of audio on the embedded stack."""
AIM_OVERHEAD_MS: Final = {"embedded": 300.0, "cloud": 700.0}
"""The 95th percentile from the last chunk to the complete transcript."""
AIM_FIRST_ANSWER_MS: Final = 1_500.0
HOURS_A_DAY: Final = 100


class Row(msgspec.Struct, frozen=True):
    """One measure. `ratio` compares within the run, and outlives the machine; `value` is of this machine on this day."""

    measure: str
    value: float
    unit: str
    ratio: float
    to: str
    """What the ratio is to."""
    aim: float | None = None
    """What `value` should at most be."""

    @property
    def verdict(self) -> str:
        """How the value stands to the aim; nothing where there is none."""
        if self.aim is None:
            return ""
        return f"{'met' if self.value <= self.aim else 'MISSED'} (≤ {self.aim:g})"


@dataclass(frozen=True)
class Part:
    """A bench, the arguments for a full and for a brief run of it, and what its JSON means."""

    name: str
    arguments: tuple[str, ...]
    brief: tuple[str, ...]
    rows: Callable[[Mapping[str, Any]], Iterator[Row]]


def of_ingest(found: Mapping[str, Any]) -> Iterator[Row]:
    """`bench.ingest`."""
    bare = found["cpu_ms_bare_route"]
    yield Row("ingest, CPU for a chunk", found["cpu_ms_per_chunk"], "ms", found["ratio"], "a bare Flask route")
    if cloud := found.get("cpu_ms_per_chunk_cloud"):
        yield Row("ingest on the cloud's adapters, CPU for a chunk", cloud, "ms", cloud / bare, "a bare Flask route")


def of_hour(found: Mapping[str, Any]) -> Iterator[Row]:
    """`bench.hour`."""
    together, each = found["ingest_and_segmenter_cpu_s_per_hour"], found["cpu_s_per_hour"]
    yield Row(
        "ingest and segmenter, CPU for an hour of audio",
        together,
        "s",
        together / AIM_HOUR_CPU_S,
        "the aim",
        AIM_HOUR_CPU_S,
    )
    for name in ("ingest", "segmenter", "transcribe"):
        yield Row(f"  {name}", each[name], "s", each[name] / together, "ingest and segmenter")


def of_growth(found: Mapping[str, Any]) -> Iterator[Row]:
    """`bench.growth`."""
    chunks = found["cpu_ms_per_chunk"]
    for minute in ("1", "60", "180"):
        if minute in chunks:
            yield Row(
                f"segmenter, CPU for a chunk at minute {minute}",
                chunks[minute],
                "ms",
                chunks[minute] / chunks["1"],
                "minute 1",
            )
    state = found["hot_state_bytes_max"]
    yield Row("hot state of a connection, at most", state, "bytes", state / 65_536, "the goal of 64 KB", 65_536)


def of_overhead(found: Mapping[str, Any]) -> Iterator[Row]:
    """`bench.overhead`."""
    for stack, figures in found.items():
        median, most = figures["to_final_p50_ms"], figures["to_final_p95_ms"]
        yield Row(f"last chunk to transcript, p50, {stack}", median, "ms", median / AIM_OVERHEAD_MS[stack], "the aim")
        aim = AIM_OVERHEAD_MS[stack]
        yield Row(f"last chunk to transcript, p95, {stack}", most, "ms", most / aim, "the aim", aim)


def of_captions(found: Mapping[str, Any]) -> Iterator[Row]:
    """`bench.captions`."""
    spoken, arrived = found["after_spoken"], found["after_arrival"]
    unavoidable = found["unavoidable_ms"]
    yield Row("live caption after the word, p50", spoken["p50_ms"], "ms", found["ratio"], "half a chunk and step")
    yield Row(
        "live caption after the word, p95",
        spoken["p95_ms"],
        "ms",
        spoken["p95_ms"] / unavoidable,
        "half a chunk and step",
    )
    yield Row(
        "live caption after its chunk, p50",
        arrived["p50_ms"],
        "ms",
        arrived["p50_ms"] / spoken["p50_ms"],
        "after the word",
    )


def of_cold_start(found: Mapping[str, Any]) -> Iterator[Row]:
    """`bench.cold_start`."""
    for name, start in found.items():
        ready = start["ready"]
        wall_ms = ready["wall_ms"]
        yield Row(
            f"start to first answer, {name}",
            wall_ms,
            "ms",
            wall_ms / AIM_FIRST_ANSWER_MS,
            "the aim",
            AIM_FIRST_ANSWER_MS,
        )


def of_load(found: Mapping[str, Any]) -> Iterator[Row]:
    """`bench.load`: its last step against its first one."""
    first, last = found["steps"][0], found["steps"][-1]
    to = f"{first['streams']} at a time"
    per_core, of_each = last["streams_per_core"], last["resident_mib_per_stream"]
    yield Row(
        f"{last['streams']} live streams: as many per core", per_core, "", per_core / first["streams_per_core"], to
    )
    more = of_each / first["resident_mib_per_stream"]
    yield Row("  memory of the services for each", of_each, "MiB", more, to)


def of_cost(found: Mapping[str, Any]) -> Iterator[Row]:
    """`bench.cost`."""
    report = msgspec.convert(found, Report)
    sent = report.whisper.per_speech_s
    of_finals = report.whisper.audio_s / report.hour.segment_s["final"]  # both for an hour of audio
    yield Row("sent to Whisper for a second of speech", sent, "s", of_finals, "final segments")
    without = total(report, prices(), HOURS_A_DAY, Assumptions())
    for whisper in ("L4 on Cloud Run", "hosted API"):
        cost = total(report, prices(), HOURS_A_DAY, Assumptions(), whisper)
        yield Row(
            f"an hour of audio at {HOURS_A_DAY} a day, {whisper}",
            round(cost, 3),
            "USD",
            cost / without,
            "without Whisper",
        )


def table(rows: list[Row]) -> str:
    """For people."""
    lines = [f"{'':<52}{'':>10} {'':<6}{'ratio':>8}  to"]
    for row in rows:
        value = f"{row.value:,.0f}" if row.value >= 1_000 else f"{row.value:.3g}"
        lines.append(f"{row.measure:<52}{value:>10} {row.unit:<6}{row.ratio:>8.2f}  {row.to:<24}{row.verdict}".rstrip())
    return "\n".join(lines)
