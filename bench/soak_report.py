"""The figures of `bench.soak`: least-squares growth of every measure, its JSON and its table. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from bench.load_usage import MIB, Usage

LEVEL_SHARE: Final = 0.05
"""Growth in an hour that still counts as flat, as a share of the level."""
_OF_PROCESSES: Final[Mapping[str, Callable[[Usage], float]]] = {
    "resident MiB": lambda of: of.resident_bytes / MIB,
    "private MiB": lambda of: of.private_bytes / MIB,
    "descriptors": lambda of: float(of.descriptors),
    "threads": lambda of: float(of.threads),
}


class Sample(msgspec.Struct, frozen=True):
    """What there was at one moment."""

    minute: float
    processes: dict[str, Usage]
    redis_keys: int | None
    redis_bytes: int | None
    queue_messages: int | None
    queue_bytes: int | None
    stored_bytes: int | None
    """Transcripts and registry; they grow with what is said."""


class Growth(msgspec.Struct, frozen=True):
    """One measure after the warm-up."""

    level: float
    """Its mean."""
    per_hour: float
    """Slope of the least-squares line."""
    error: float
    """Standard error of the slope, per hour, as if samples were independent."""
    flat: bool
    """The line rises by at most LEVEL_SHARE of the level in an hour, or by less than twice its standard error."""


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    stack: str
    minutes: float
    warm_up_minutes: float
    samples: int
    """After the warm-up."""
    meetings: int
    audio_s: float
    lost_ms: int | None
    """None before the end."""
    incomplete: int | None
    statuses: dict[int, int]
    events: int
    """Segments that live readers were told of."""
    cpu_share: dict[str, float]
    """Of one core, by process, after the warm-up."""
    growth: dict[str, dict[str, Growth]]
    """By process and measure."""

    @property
    def flat(self) -> bool:
        """Whether all is, but for what is kept by intent."""
        return all(each.flat for of, named in self.growth.items() if of != "kept" for each in named.values())


def growth(minutes: Sequence[float], values: Sequence[float]) -> Growth | None:
    """The line through the points. None for fewer than three."""
    count = len(values)
    if count < 3:
        return None
    hours = [minute / 60 for minute in minutes]
    mean_h, level = sum(hours) / count, sum(values) / count
    spread = sum((hour - mean_h) ** 2 for hour in hours)
    slope = sum((hour - mean_h) * (value - level) for hour, value in zip(hours, values, strict=True)) / spread
    residual = sum((value - level - slope * (hour - mean_h)) ** 2 for hour, value in zip(hours, values, strict=True))
    error = (residual / (count - 2) / spread) ** 0.5
    return Growth(round(level, 2), round(slope, 3), round(error, 3), slope <= max(LEVEL_SHARE * level, 2 * error))


def report(
    stack: str,
    samples: Sequence[Sample],
    *,
    warm_up_minutes: float,
    meetings: int = 0,
    audio_s: float = 0.0,
    lost_ms: int | None = None,
    incomplete: int | None = None,
    statuses: Mapping[int, int] | None = None,
    events: int = 0,
) -> Report:
    """Of samples in order of time."""
    counted = [sample for sample in samples if sample.minute >= warm_up_minutes]
    grown: dict[str, dict[str, Growth]] = {}
    for of, measure, series in _series(counted):
        line = growth([minute for minute, _ in series], [value for _, value in series])
        if line is not None:
            grown.setdefault(of, {})[measure] = line
    return Report(
        stack=stack,
        minutes=samples[-1].minute if samples else 0.0,
        warm_up_minutes=warm_up_minutes,
        samples=len(counted),
        meetings=meetings,
        audio_s=audio_s,
        lost_ms=lost_ms,
        incomplete=incomplete,
        statuses=dict(statuses or {}),
        events=events,
        cpu_share=_cpu_share(counted),
        growth=grown,
    )


def _cpu_share(counted: Sequence[Sample]) -> dict[str, float]:
    if len(counted) < 2:
        return {}
    first, last = counted[0], counted[-1]
    seconds = (last.minute - first.minute) * 60
    return {
        name: round((of.cpu_s - first.processes[name].cpu_s) / seconds, 4)
        for name, of in last.processes.items()
        if name in first.processes
    }


def _series(counted: Sequence[Sample]) -> Iterator[tuple[str, str, list[tuple[float, float]]]]:
    """`(of what, measure, [(minute, value)])`."""
    names = dict.fromkeys(name for sample in counted for name in sample.processes)
    for name in names:
        for measure, read in _OF_PROCESSES.items():
            yield (
                name,
                measure,
                [(each.minute, read(each.processes[name])) for each in counted if name in each.processes],
            )
    shared: tuple[tuple[str, str, Callable[[Sample], float | None]], ...] = (
        ("hot state", "Redis keys", lambda of: of.redis_keys),
        ("hot state", "Redis KiB", lambda of: None if of.redis_bytes is None else of.redis_bytes / 1024),
        ("queue's file", "messages", lambda of: of.queue_messages),
        ("queue's file", "MiB", lambda of: None if of.queue_bytes is None else of.queue_bytes / MIB),
        ("kept", "databases MiB", lambda of: None if of.stored_bytes is None else of.stored_bytes / MIB),
    )
    for of, measure, value in shared:
        yield of, measure, [(each.minute, found) for each in counted if (found := value(each)) is not None]


def table(of: Report) -> str:
    """The report for people."""
    return "\n".join(_lines(of))


def _lines(of: Report) -> Iterator[str]:
    yield (
        f"{of.stack}, {of.minutes:.0f} minutes, the first {of.warm_up_minutes:g} not counted, {of.samples} samples; "
        f"{of.meetings} meetings, {of.audio_s:.0f} s of audio"
    )
    lost = "not known yet" if of.lost_ms is None else f"{of.lost_ms} ms; {of.incomplete} transcripts incomplete"
    yield (
        f"audio lost: {lost}; answers by status: {of.statuses or 'not known yet'}; "
        f"{of.events} segments told to live readers"
    )
    yield "of one core: " + ", ".join(f"{name} {share:.1%}" for name, share in of.cpu_share.items())
    yield ""
    yield f"{'':<14}{'':<16}{'mean':>10}{'per hour':>12}{'± error':>10}  flat"
    for name, measures in of.growth.items():
        for measure, line in measures.items():
            flat = "yes" if line.flat else ("by intent" if name == "kept" else "NO")
            yield f"{name:<14}{measure:<16}{line.level:>10.1f}{line.per_hour:>+12.2f}{line.error:>10.2f}  {flat}"
