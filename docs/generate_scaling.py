"""The limits of docs/scaling.md: how many streams each carries, from what was measured. `docs/generate_cost.py` writes the table."""

from collections.abc import Iterator
from typing import Final

import msgspec

from bench.cost_model import CONNECTOR_BITS_A_SECOND, GIB, LIVE_READERS, REDIS_ROOM, Assumptions
from bench.cost_report import Report
from segmenter_service.sweep import STREAMS_A_SWEEP

READ: Final = "Google's documentation"
MEMORY: Final = "Google's, from memory: check"
OURS: Final = "set here"
INSTANCES: Final = {"ingest": 30, "segmenter": 20, "transcribe": 20, "api": 20}
VCPUS: Final = {"ingest": 1, "segmenter": 2, "transcribe": 2}
INGEST_THREADS: Final = 80
ASSUMED: Final = Assumptions()


class Limit(msgspec.Struct, frozen=True):
    """Something that carries so many streams and no more."""

    what: str
    demand: float
    """Of one stream, in the unit of `most`."""
    most: float
    unit: str
    whose: str

    @property
    def streams(self) -> float:
        """How many it carries."""
        return self.most / self.demand


def limits(report: Report) -> list[Limit]:
    """All of them, the first to be met first."""
    return sorted(_limits(report), key=lambda each: each.streams)


def _limits(report: Report) -> Iterator[Limit]:
    hour = report.hour
    busy = report.whisper.audio_s * ASSUMED.whisper_factor / 3600
    yield Limit("GPUs", busy / ASSUMED.utilization, 3, "L4s", OURS)
    calls = INSTANCES["transcribe"] * ASSUMED.calls_at_a_time
    yield Limit("calls of Whisper at a time", busy, calls, "places", OURS)
    inserts = hour.storage_operations["insert"] / 3600
    yield Limit("objects made, when load comes at once", inserts, 1_000, "a second", MEMORY)
    reads = (hour.storage_operations["read"] + hour.storage_operations["metadata"]) / 3600
    yield Limit("objects read, when load comes at once", reads, 5_000, "a second", MEMORY)
    bits = hour.redis_bytes / 3600 * 8
    yield Limit("VPC connector, 3 × e2-micro", bits, 3 * CONNECTOR_BITS_A_SECOND, "bit/s", READ)
    yield Limit("VPC connector, 10 × e2-micro", bits, 10 * CONNECTOR_BITS_A_SECOND, "bit/s", READ)
    for name, vcpus in VCPUS.items():
        most = INSTANCES[name] * vcpus * ASSUMED.utilization
        yield Limit(f"CPU of the services, {name}", hour.services[name].cpu_s / 3600, most, "vCPU", OURS)
    yield Limit("uploads by WebSocket", 1, INSTANCES["ingest"] * INGEST_THREADS / 2, "threads", OURS)
    yield Limit("live readers, one for each stream", 1, INSTANCES["api"] * LIVE_READERS, "readers", OURS)
    yield Limit("streams that one sweep looks after", 1, STREAMS_A_SWEEP, "a minute", OURS)
    documents = hour.firestore["writes"] / 3600
    yield Limit("documents written, when load comes at once", documents, 500, "a second", MEMORY)
    yield Limit("documents written", documents, 10_000, "a second", MEMORY)
    finals = hour.segments["final"] / 3600
    yield Limit("search index of one tenant, final segments", finals, 500, "a second", MEMORY)
    yield Limit("deliveries to one webhook", hour.messages["transcripts"] / 3600, 500, "a second", MEMORY)
    yield Limit("Redis commands, one node", hour.redis_commands / 3600, 100_000, "a second", MEMORY)
    yield Limit("Redis commands, as bandwidth", bits, 16e9, "bit/s", READ)
    kept = report.redis_bytes_per_connection * REDIS_ROOM / GIB
    yield Limit("Redis memory, 1 GiB", kept, 1, "GiB", OURS)
    published = sum(hour.published_billed_bytes.values()) / 3600
    yield Limit("Pub/Sub, published", published, 200e6, "bytes/s", READ)
    yield Limit("Pub/Sub, pushed", published, 140e6, "bytes/s", MEMORY)
    whisper_pushes = hour.messages["segments"] / 3600 * report.whisper.audio_s / report.whisper.calls
    yield Limit(
        "Pub/Sub, pushes under way while Whisper answers",
        whisper_pushes * ASSUMED.whisper_factor,
        3_000,
        "pushes",
        MEMORY,
    )
    all_vcpus = sum(service.cpu_s for service in hour.services.values()) / 3600 / ASSUMED.utilization
    yield Limit("CPU of the services, all together", all_vcpus, 1_000, "vCPU", READ)


def limits_table(report: Report) -> list[list[str]]:
    """A line for each limit."""
    return [
        [
            each.what,
            _short(each.demand),
            _short(each.demand * 1_000),
            _short(each.demand * 100_000),
            f"{_short(each.most)} {each.unit}",
            each.whose,
            f"**{_round(each.streams)}**",
        ]
        for each in limits(report)
    ]


def _short(value: float) -> str:
    for size, letter in ((1e9, " G"), (1e6, " M")):
        if value >= size:
            return f"{value / size:,.3g}{letter}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _round(streams: float) -> str:
    """Two digits: no more is known."""
    return f"{float(f'{streams:.2g}'):,.0f}"
