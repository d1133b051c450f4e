"""Writes the tables of docs/cost.md and docs/scaling.md from what `bench.cost` measured and from the list prices. A test compares.

Whatever stands between `<!-- table: NAME -->` and `<!-- end -->` is made here; the text around it is written by hand.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bench.cost_model import (
    DAYS_A_MONTH,
    Assumptions,
    gpu_seconds,
    hour_costs,
    measured,
    month_costs,
    prices,
    total,
    whisper_costs,
)
from bench.cost_report import Report
from docs import generate_scaling

PAGES: Final = (Path(__file__).with_name("cost.md"), Path(__file__).with_name("scaling.md"))
HOURS_A_DAY: Final = (1, 100, 10_000)
STREAMS: Final = (1, 1_000, 100_000)
WORKERS: Final = ("ingest", "segmenter", "transcribe")
"""The services that work where nobody reads."""
DEFAULT: Final = "default"
L4: Final = "L4 on Cloud Run"
HOSTED: Final = "hosted API"
ASSUMED: Final = Assumptions()
_BLOCK: Final = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(written: str) -> str:
    """`written` with its tables made anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", written)


def used_table() -> str:
    """What an hour of audio uses, a column for each run."""
    runs = measured().runs
    rows = {name: dict(_uses(report)) for name, report in runs.items()}
    lines = [[title, *(_number(rows[name][title]) for name in runs)] for title in rows[DEFAULT]]
    return _table(["an hour of audio", *runs], lines)


def _uses(report: Report) -> Iterator[tuple[str, float]]:
    hour = report.hour
    for name in WORKERS:
        yield f"CPU seconds, {name}", hour.services[name].cpu_s
    yield "requests to Cloud Run", sum(each.requests for each in hour.services.values())
    yield "of them uploads (chunks, speaker activity, ends)", _sum(hour.requests, "chunks", "speakers", "end")
    yield "of them pushes", sum(count for kind, count in hour.requests.items() if kind.startswith("push "))
    yield "messages published", sum(hour.messages.values())
    yield "bytes published", sum(hour.message_bytes.values())
    yield "Pub/Sub bytes billed, both ways", sum(hour.published_billed_bytes.values()) + hour.pushed_billed_bytes
    yield "Cloud Storage, class A", _sum(hour.storage_operations, "insert", "list")
    yield "Cloud Storage, class B", _sum(hour.storage_operations, "read", "metadata")
    yield "Cloud Storage, deletions", _sum(hour.storage_operations, "delete")
    yield "bytes kept in the bucket", sum(report.stored_bytes.values())
    yield "of them final segments (FLAC)", _sum(report.stored_bytes, "final")
    for what in ("reads", "writes", "deletes"):
        yield f"Firestore, {what}", _sum(hour.firestore, what)
    yield "bytes written to Firestore", _sum(hour.firestore, "written_bytes")
    yield "Redis commands", hour.redis_commands
    yield "bytes to and from Redis", hour.redis_bytes
    yield "bytes of a connection in Redis, at most", report.redis_bytes_per_connection
    yield "calls of Whisper", report.whisper.calls
    yield "seconds sent to Whisper", report.whisper.audio_s
    yield "seconds sent for each second of speech", report.whisper.per_speech_s
    yield "bytes of logs", sum(each.log_bytes for each in hour.services.values())
    yield "Firestore reads to read the transcript once", report.firestore_reads_per_transcript


def sweeps_table() -> str:
    """What one round of the four sweeps uses while nothing is open."""
    sweeps = measured().runs[DEFAULT].sweeps
    rows = [
        ("requests", sum(each.requests for each in sweeps.services.values())),
        ("CPU seconds", sum(each.cpu_s for each in sweeps.services.values())),
        ("billed seconds, each request rounded up to 0.1 s", sum(each.billed_s for each in sweeps.services.values())),
        ("Cloud Storage, class A", _sum(sweeps.storage_operations, "list")),
        ("Firestore, reads", _sum(sweeps.firestore, "reads")),
        ("bytes of logs", sum(each.log_bytes for each in sweeps.services.values())),
    ]
    return _table(["a round of sweeps", ""], [[title, _number(value)] for title, value in rows])


def prices_table() -> str:
    """The list prices."""
    rows = [
        [
            each.what,
            f"{each.usd:.10f}".rstrip("0").rstrip("."),
            each.per,
            each.source,
            "yes" if each.confirmed else "no",
        ]
        for each in prices().prices.values()
    ]
    return _table(["what", "USD", "per", "source", "confirmed"], rows)


def assumptions_table() -> str:
    """What nobody measured."""
    values = msgspec.to_builtins(ASSUMED)
    return _table(["assumption", "value"], [[f"`{name}`", str(value)] for name, value in values.items()])


def cost_table() -> str:
    """USD for an hour of audio at so many hours a day, line by line."""
    report, price = measured().runs[DEFAULT], prices()
    hourly = {hours: hour_costs(report, price, hours, ASSUMED) for hours in HOURS_A_DAY}
    monthly = {hours: sum(month_costs(report, price, hours, ASSUMED).values()) for hours in HOURS_A_DAY}
    whisper = {hours: whisper_costs(report, price, hours, ASSUMED) for hours in HOURS_A_DAY}
    names = sorted(hourly[1], key=lambda name: -hourly[HOURS_A_DAY[1]][name])
    lines = [[name, *(_usd(hourly[hours][name]) for hours in HOURS_A_DAY)] for name in names]
    lines.append(
        ["paid by the month, shared", *(_usd(monthly[hours] / (hours * DAYS_A_MONTH)) for hours in HOURS_A_DAY)]
    )
    lines.append(
        ["**without Whisper**", *(f"**{_usd(total(report, price, hours, ASSUMED))}**" for hours in HOURS_A_DAY)]
    )
    lines += [[f"Whisper: {name}", *(_usd(whisper[hours][name]) for hours in HOURS_A_DAY)] for name in (L4, HOSTED)]
    for name in (L4, HOSTED):
        sums = (total(report, price, hours, ASSUMED, name) for hours in HOURS_A_DAY)
        lines.append([f"**with {name}**", *(f"**{_usd(each)}**" for each in sums)])
    for name in (L4, HOSTED):
        sums = (total(report, price, hours, ASSUMED, name) * hours * DAYS_A_MONTH for hours in HOURS_A_DAY)
        lines.append([f"a month with {name}", *(f"{each:,.0f}" for each in sums)])
    return _table(["USD for an hour of audio", *(f"{hours:,} h a day" for hours in HOURS_A_DAY)], lines)


def months_table() -> str:
    """What is paid for by the month."""
    report, price = measured().runs[DEFAULT], prices()
    always = month_costs(report, price, 1, ASSUMED)
    more = msgspec.structs.replace(ASSUMED, load_balancer=True, min_instances=1.0, redis_tier="redis_standard")
    other = month_costs(report, price, 1, more)
    lines = [[name, f"{always.get(name, 0):.2f}", f"{cost:.2f}"] for name, cost in other.items()]
    lines.append(["**together**", f"**{sum(always.values()):.2f}**", f"**{sum(other.values()):.2f}**"])
    head = ["USD a month", "as assumed", "with STANDARD_HA, a load balancer, and one minimum instance of each service"]
    return _table(head, lines)


def levers_table() -> str:
    """What changes make of the cost, at 100 hours a day."""
    lines = []
    for name, report, assumed in _levers():
        costs = [total(report, prices(), 100, assumed, whisper) for whisper in ("", L4, HOSTED)]
        lines.append([name, *map(_usd, costs)])
    return _table(
        ["USD for an hour of audio, at 100 h a day", "without Whisper", f"with {L4}", f"with {HOSTED}"], lines
    )


def _levers() -> Iterator[tuple[str, Report, Assumptions]]:
    for name, report in measured().runs.items():
        yield name, report, ASSUMED
    report, changed = measured().runs[DEFAULT], msgspec.structs.replace
    yield "nobody watches live", report, changed(ASSUMED, watched=0.0)
    yield "audio is deleted after a week", report, changed(ASSUMED, months_kept=7 / DAYS_A_MONTH)
    yield "audio is kept for a year", report, changed(ASSUMED, months_kept=12.0)
    yield "an L4 that needs half of the time", report, changed(ASSUMED, whisper_factor=ASSUMED.whisper_factor / 2)
    yield "PROCESSING_THREADS=8", report, changed(ASSUMED, calls_at_a_time=16.0)
    yield "one minimum instance of each service", report, changed(ASSUMED, min_instances=1.0)


def demand_table() -> str:
    """What streams ask of each resource in a second, for docs/scaling.md."""
    rows = list(_demand(measured().runs[DEFAULT]))
    lines = [[title, *(_number(value * streams) for streams in STREAMS)] for title, value in rows]
    return _table(["every second", *(f"{streams:,} stream{'s' * (streams > 1)}" for streams in STREAMS)], lines)


def _demand(report: Report) -> Iterator[tuple[str, float]]:
    hour = report.hour
    for name in WORKERS:
        yield f"CPU seconds, {name}", hour.services[name].cpu_s / 3600
    for name in WORKERS:
        yield f"requests to {name}", hour.services[name].requests / 3600
    for topic, count in hour.messages.items():
        yield f"messages, {topic}", count / 3600
    yield "message bytes pushed", sum(hour.message_bytes.values()) / 3600
    yield "objects made", _sum(hour.storage_operations, "insert") / 3600
    yield "objects read or looked at", _sum(hour.storage_operations, "read", "metadata") / 3600
    yield "listings", _sum(hour.storage_operations, "list") / 3600
    yield "documents written", _sum(hour.firestore, "writes") / 3600
    yield "documents read", _sum(hour.firestore, "reads") / 3600
    yield "Redis commands", hour.redis_commands / 3600
    yield "bytes to and from Redis", hour.redis_bytes / 3600
    yield "calls of Whisper", report.whisper.calls / 3600
    yield "seconds sent to Whisper", report.whisper.audio_s / 3600
    yield "bytes of logs", sum(each.log_bytes for each in hour.services.values()) / 3600
    yield "(at any time) bytes in Redis", report.redis_bytes_per_connection
    yield "(at any time) L4s", gpu_seconds(report, 1e9, ASSUMED) / 3600


def limits_table() -> str:
    """How many streams each limit carries, for docs/scaling.md."""
    head = ["what", "of one stream", "of 1,000", "of 100,000", "limit", "whose", "streams that it carries"]
    return _table(head, generate_scaling.limits_table(measured().runs[DEFAULT]))


def _sum(numbers: Mapping[str, float], *names: str) -> float:
    return sum(numbers.get(name, 0.0) for name in names)


def _number(value: float) -> str:
    if value >= 1e9:
        return f"{value / 1e9:,.1f} G"
    if value >= 1e6:
        return f"{value / 1e6:,.1f} M"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _usd(value: float) -> str:
    return f"{value:.2f}" if value >= 1 else f"{value:.4f}"


def _table(head: list[str], lines: list[list[str]]) -> str:
    shown = [head, ["---", *["---:"] * (len(head) - 1)], *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "used": used_table,
    "sweeps": sweeps_table,
    "prices": prices_table,
    "assumptions": assumptions_table,
    "cost": cost_table,
    "months": months_table,
    "levers": levers_table,
    "demand": demand_table,
    "limits": limits_table,
}


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(page(each.read_text(encoding="utf-8")), encoding="utf-8")
