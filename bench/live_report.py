"""The figures of `bench.live`: their JSON, and their table. Pure."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """Over the segments."""

    p50: float
    p95: float


class Watching(msgspec.Struct, frozen=True):
    """What so many readers of one meeting saw, and what it took."""

    first_ms: Spread | None
    """From the stored segment to the first reader that had it; None without readers."""
    median_ms: Spread | None
    last_ms: Spread | None
    cpu_ms_per_segment: float
    """Of the server's processes; storing is part of it where the server stored."""
    resident_mib: float
    """Of the server's processes, at the end."""


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    segments: int
    """Of each run, one every `pace_s`."""
    pace_s: float
    history: int
    """Segments that were there before."""
    runs: dict[str, dict[int, Watching]]
    """By who stored the segment, and by number of readers."""
    cpu_ms_per_event_and_reader: float
    """What one more reader costs for each segment, where the server stored."""


def spread(values: Sequence[float]) -> Spread:
    """The 50th and 95th percentile (nearest rank)."""
    ordered = sorted(values)
    return Spread(round(median(ordered), 1), round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1))


def watching(delays_ms: Sequence[Sequence[float]], *, cpu_s: float, segments: int, resident_bytes: int) -> Watching:
    """From the delays of each segment's readers."""
    seen = [sorted(each) for each in delays_ms if each]
    return Watching(
        first_ms=spread([each[0] for each in seen]) if seen else None,
        median_ms=spread([median(each) for each in seen]) if seen else None,
        last_ms=spread([each[-1] for each in seen]) if seen else None,
        cpu_ms_per_segment=round(cpu_s * 1000 / segments, 2),
        resident_mib=round(resident_bytes / 1024**2, 1),
    )


def table(report: Report) -> str:
    """The report for people."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.segments} segments, one every {report.pace_s:g} s, in a meeting that has {report.history}"
    for stored_by, runs in report.runs.items():
        yield ""
        yield f"{stored_by:<48}" + "".join(f"{_readers(number):>16}" for number in runs)
        rows: tuple[tuple[str, Callable[[Watching], Spread | None]], ...] = (
            ("first reader", lambda of: of.first_ms),
            ("median reader", lambda of: of.median_ms),
            ("last reader", lambda of: of.last_ms),
        )
        for name, of in rows:
            yield _row(f"  ms to the {name}, p50 / p95", [_told(of(each)) for each in runs.values()])
        yield _row("  CPU ms of the server per segment", [f"{each.cpu_ms_per_segment:.2f}" for each in runs.values()])
        yield _row("  resident MiB of the server", [f"{each.resident_mib:.0f}" for each in runs.values()])
    yield ""
    yield f"{'CPU ms of one event to one more reader':<56}{report.cpu_ms_per_event_and_reader:>8.3f}"


def _row(title: str, cells: Sequence[str]) -> str:
    return f"{title:<48}" + "".join(f"{cell:>16}" for cell in cells)


def _told(of: Spread | None) -> str:
    return "-" if of is None else f"{of.p50:.1f} / {of.p95:.1f}"


def _readers(number: int) -> str:
    return f"{number} reader" if number == 1 else f"{number} readers"
