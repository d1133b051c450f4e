"""The figures of `bench.load`: their JSON, their table, and when an installation is past its capacity. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

STEP_MS: Final = 5_000
"""TRANSCRIBER_STEP_SEC: a live revision that is stored later than this is late, for the next one is there already."""
CHUNK_MS: Final = 3_000
FINAL_MS: Final = 15_000
SHED_SHARE: Final = 0.2
"""Without any load it is about a tenth: where a segment is cut just after a live revision was announced, the final one replaces it."""


class Spread(msgspec.Struct, frozen=True):
    """Nearest ranks."""

    p50: float
    p95: float
    longest: float


class Revisions(msgspec.Struct, frozen=True):
    """What became of live revisions."""

    announced: int
    given_up: dict[str, int]
    """By reason."""
    late: int
    """Stored more than STEP_MS after the last chunk of their audio was accepted."""

    @property
    def shed_share(self) -> float:
        """Given up or late."""
        return (sum(self.given_up.values()) + self.late) / max(1, self.announced)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """So many streams at a time."""

    streams: int
    audio_s: float
    """Of all streams."""
    played_s: float
    """From the first stream's begin to the last one's end."""
    complete_s: float
    """From then until all transcripts were complete."""
    cpu_per_audio_s: dict[str, float]
    """CPU seconds for a second of audio, by service."""
    besides_cpu_per_audio_s: dict[str, float]
    """Of what the services stand on: queue, Redis, emulators."""
    streams_per_core: float
    """1 / CPU of the services for a second of a stream."""
    machine_busy: float
    """Share of all cores that were busy, whoever with."""
    resident_mib: dict[str, float]
    """At most."""
    resident_mib_per_stream: float
    """What the services had more than without streams."""
    descriptors: dict[str, int]
    """At most."""
    redis_bytes_per_stream: int | None
    requests_per_s: dict[str, float]
    live: Revisions
    finals: int
    final_behind_ms: Spread | None
    upload_ms: Spread
    """Of requests that were taken."""
    upload_late_ms: Spread
    """After their time, all tries included."""
    uploads_refused: int
    """429."""
    uploads_failed: int
    """5xx, or no answer."""
    troubles: dict[str, int]
    """What services put off or gave up, by service, event and reason."""
    lost_ms: int
    incomplete: int

    @property
    def past_capacity(self) -> bool:
        """Live text is shed, finals or uploads are late, or uploaders are refused."""
        finals = self.final_behind_ms
        return (
            self.live.shed_share > SHED_SHARE
            or (finals is not None and finals.p95 > FINAL_MS)
            or self.upload_late_ms.p95 > CHUNK_MS
            or self.uploads_refused + self.uploads_failed > 0
        )


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    stack: str
    seconds: float
    whisper: dict[str, float]
    cores: int
    steps: list[Step]


def spread(values: Sequence[float]) -> Spread | None:
    """Of any order; None without any."""
    if not values:
        return None
    ordered = sorted(values)
    ranks = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 1.0))
    return Spread(*(round(each, 1) for each in ranks))


def table(report: Report) -> str:
    """The report for people: a column for each step."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    whisper = report.whisper
    yield (
        f"{report.stack}, {report.cores} cores; {report.seconds:g} s of each stream; Whisper: {whisper['workers']:g} calls at a time, "
        f"{whisper['queue']:g} waiting, {whisper['call_s']:g} s + {whisper['audio_factor']:g} × audio"
    )
    steps = report.steps
    yield _row("streams", [str(of.streams) for of in steps])
    yield _row("past capacity", ["yes" if of.past_capacity else "no" for of in steps])
    yield _row("audio lost, ms / transcripts incomplete", [f"{of.lost_ms} / {of.incomplete}" for of in steps])
    yield ""
    yield _row("live revisions announced", [str(of.live.announced) for of in steps])
    yield _row("  given up", [_share(sum(of.live.given_up.values()), of) for of in steps])
    for reason in sorted({reason for step in steps for reason in step.live.given_up}):
        yield _row(f"    {reason}", [_share(of.live.given_up.get(reason, 0), of) for of in steps])
    yield _row("  late", [_share(of.live.late, of) for of in steps])
    yield _row("finals", [str(of.finals) for of in steps])
    yield _row("  behind, s, p50 / p95 / longest", [_seconds(of.final_behind_ms) for of in steps])
    yield _row("complete after the end, s", [f"{of.complete_s:.0f}" for of in steps])
    yield _row("uploads, ms, p50 / p95 / longest", [_ms(of.upload_ms) for of in steps])
    yield _row("  after their time", [_ms(of.upload_late_ms) for of in steps])
    yield _row("  answered 429 / failed", [f"{of.uploads_refused} / {of.uploads_failed}" for of in steps])
    for trouble in sorted({trouble for step in steps for trouble in step.troubles}):
        yield _row(trouble, [str(of.troubles.get(trouble, 0)) for of in steps])
    yield ""
    yield _row("CPU s per audio s, services", [f"{sum(of.cpu_per_audio_s.values()):.4f}" for of in steps])
    for name in steps[0].cpu_per_audio_s:
        yield _row(f"  {name}", [f"{of.cpu_per_audio_s[name]:.4f}" for of in steps])
    for name in steps[0].besides_cpu_per_audio_s:
        yield _row(f"besides: {name}", [f"{of.besides_cpu_per_audio_s[name]:.4f}" for of in steps])
    yield _row("streams per core, services", [f"{of.streams_per_core:.0f}" for of in steps])
    yield _row("machine busy", [f"{of.machine_busy:.0%}" for of in steps])
    for name in steps[0].resident_mib:
        yield _row(f"resident MiB, {name}", [f"{of.resident_mib[name]:.0f}" for of in steps])
    yield _row("resident MiB per stream, services", [f"{of.resident_mib_per_stream:.2f}" for of in steps])
    for name in steps[0].descriptors:
        yield _row(f"descriptors, {name}", [str(of.descriptors[name]) for of in steps])
    yield _row("Redis bytes per stream", [str(of.redis_bytes_per_stream or "-") for of in steps])
    for name in steps[0].requests_per_s:
        yield _row(f"requests/s, {name}", [f"{of.requests_per_s[name]:.1f}" for of in steps])


def _row(title: str, cells: Sequence[str]) -> str:
    return f"{title:<60}" + "".join(f"{cell:>22}" for cell in cells)


def _share(count: int, of: Step) -> str:
    return f"{count / max(1, of.live.announced):.1%}"


def _seconds(of: Spread | None) -> str:
    return "-" if of is None else f"{of.p50 / 1000:.1f} / {of.p95 / 1000:.1f} / {of.longest / 1000:.1f}"


def _ms(of: Spread) -> str:
    return f"{of.p50:.0f} / {of.p95:.0f} / {of.longest:.0f}"
