"""From what an hour of audio uses to what it costs: resources × list prices. Pure but for reading the two tables.

Free tiers, discounts and internet egress are left out. What nobody measured is an `Assumptions` and says so.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from bench.cost_report import Report
from common.adapters.google.firestore_transcripts import REQUEST_S
from transcribe_service.live.hub import MEETING_POLL_S

PRICES_FILE: Final = Path(__file__).with_name("cost_prices.json")
MEASURED_FILE: Final = Path(__file__).with_name("cost_measured.json")
HOURS_A_MONTH: Final = 730.0
DAYS_A_MONTH: Final = HOURS_A_MONTH / 24
GIB: Final = 2**30
TIB: Final = 2**40
LIVE_POLL_SEC: Final = 0.5
LIVE_READERS: Final = 250
"""The settings' defaults."""
CONNECTOR_BITS_A_SECOND: Final = 100e6
"""Of one e2-micro of a VPC connector, which counts 200 Mbit/s with two of them to 1,000 with ten."""


REDIS_ROOM: Final = 2.0
"""Bytes of Redis for each byte of hot state: it stays half empty."""


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list price, and how sure it is: `confirmed` was read in a copy of the vendor's page, the others want a look."""

    usd: float
    per: str
    what: str
    source: str
    confirmed: bool


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All list prices, of one region."""

    currency: str
    region: str
    looked_up: str
    prices: dict[str, Price]

    def __getitem__(self, name: str) -> float:
        return self.prices[name].usd


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The runs of `bench.cost` that the pages quote."""

    date: str
    machine: str
    runs: dict[str, Report]
    """By what was different."""


class Size(msgspec.Struct, frozen=True):
    """An instance of a Cloud Run service."""

    vcpus: float
    gib: float


SIZES: Final[Mapping[str, Size]] = {
    "ingest": Size(1, 2),
    "segmenter": Size(2, 4),
    "transcribe": Size(2, 4),
    "api": Size(1, 2),
    "whisper": Size(4, 16),
}
"""As the services' Terraform has them."""


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """What was not measured. Put your own in."""

    open_hours: float = 10.0
    """Hours of a day in which people meet; the audio is spread evenly over them."""
    utilization: float = 0.6
    """Share of an instance's CPU, and of a GPU, that is used when there are enough requests."""
    watched: float = 1.0
    """Live readers for each meeting."""
    months_kept: float = 1.0
    """How long audio and transcripts stay."""
    redis_gib: float = 1.0
    redis_tier: str = "redis_basic"
    connector_instances: float = 2.0
    secrets: float = 4.0
    load_balancer: bool = False
    min_instances: float = 0.0
    """Of each of ingest, segmenter, transcribe and api."""
    whisper_factor: float = 0.1
    """Seconds that an L4 works for each second of audio that it gets."""
    whisper_idle_s: float = 900.0
    """How long Cloud Run keeps a GPU after its last request."""
    calls_at_a_time: float = 4.0
    """Calls of Whisper that one instance of transcribe makes at a time: two processes with PROCESSING_THREADS=2 each."""


def prices() -> Prices:
    """The list prices."""
    return msgspec.json.decode(PRICES_FILE.read_bytes(), type=Prices)


def measured() -> Measured:
    """The runs that the pages quote."""
    return msgspec.json.decode(MEASURED_FILE.read_bytes(), type=Measured)


def instance_seconds(billed_s: float, least_s: float, streams: float) -> float:
    """Seconds for which instances are billed, for an hour of audio, while `streams` run on average.

    `billed_s` are those of its requests one by one. Requests of different streams share an instance, so what is billed is the time in
    which there is at least one (of independent ones), and never less than `least_s`, which the work takes.
    """
    overlap = streams * billed_s / 3600
    return max(3600 * -math.expm1(-overlap) / streams, least_s)


def streams_at(hours_a_day: float, assumed: Assumptions) -> float:
    """Streams that run at the same time, on average over the open hours."""
    return hours_a_day / assumed.open_hours


def hour_costs(report: Report, price: Prices, hours_a_day: float, assumed: Assumptions) -> dict[str, float]:
    """USD for an hour of audio, by what it is paid for, without Whisper and without what is paid for by the month."""
    streams, hour = streams_at(hours_a_day, assumed), report.hour
    lines: dict[str, float] = {}
    whisper_s = report.whisper.audio_s * assumed.whisper_factor
    for name, service in hour.services.items():
        if name == "api":  # which is there for readers, and nobody read
            continue
        waited_s = whisper_s if name == "transcribe" else 0.0
        least_s = max(service.cpu_s / SIZES[name].vcpus / assumed.utilization, waited_s / assumed.calls_at_a_time)
        lines[f"Cloud Run: {name}"] = instance_seconds(service.billed_s + waited_s, least_s, streams) * _second(
            name, price
        )
    watched_s = instance_seconds(3600 * assumed.watched, 3600 * assumed.watched / LIVE_READERS, streams)
    reads = assumed.watched * live_reads(report)
    lines["Cloud Run: api, live readers"] = watched_s * _second("api", price)
    lines["Cloud Run: requests"] = sum(service.requests for service in hour.services.values()) * price["run_requests"]
    billed_bytes = sum(hour.published_billed_bytes.values()) + hour.pushed_billed_bytes
    lines["Pub/Sub"] = billed_bytes / TIB * price["pubsub"]
    operations = hour.storage_operations
    lines["Cloud Storage: operations"] = (operations.get("insert", 0) + operations.get("list", 0)) * price[
        "storage_class_a"
    ] + (operations.get("read", 0) + operations.get("metadata", 0)) * price["storage_class_b"]
    stored = sum(report.stored_bytes.values()) / GIB
    lines["Cloud Storage: bytes kept"] = stored * assumed.months_kept * price["storage_month"]
    documents = hour.firestore
    lines["Firestore: the pipeline"] = (
        documents.get("reads", 0) * price["firestore_reads"]
        + documents.get("writes", 0) * price["firestore_writes"]
        + documents.get("deletes", 0) * price["firestore_deletes"]
        + documents.get("written_bytes", 0) / GIB * assumed.months_kept * price["firestore_month"]
    )
    lines["Firestore: live readers"] = reads * price["firestore_reads"]
    log_bytes = sum(service.log_bytes for service in hour.services.values())
    lines["Cloud Logging"] = log_bytes / GIB * price["logging"]
    if assumed.load_balancer:
        lines["Load balancer: bytes"] = report.stored_bytes.get("chunks", 0) / GIB * price["load_balancer_data"]
    return lines


def live_reads(report: Report) -> float:
    """Documents that a process reads for an hour of a watched meeting: computed from how it asks, not measured.

    It asks every LIVE_POLL_SEC for what changed in the last REQUEST_S (a query without an answer is one read), and reads the meeting
    and its stream again at every change and every MEETING_POLL_S.
    """
    in_window = report.hour.segments.get("final", 0.0) * REQUEST_S / 3600
    looks = report.hour.segments_announced + 3600 / MEETING_POLL_S
    return 3600 / LIVE_POLL_SEC * max(1.0, in_window) + 2 * looks


def _second(name: str, price: Prices) -> float:
    return SIZES[name].vcpus * price["run_cpu"] + SIZES[name].gib * price["run_memory"]


def month_costs(report: Report, price: Prices, hours_a_day: float, assumed: Assumptions) -> dict[str, float]:
    """USD for a month of what has to be there, even where nobody uploads anything, by what it is paid for.

    Redis and the VPC connector are as large as the streams of the open hours need, and at least as assumed.
    """
    streams = streams_at(hours_a_day, assumed)
    redis_gib = max(assumed.redis_gib, math.ceil(streams * report.redis_bytes_per_connection * REDIS_ROOM / GIB))
    bits = streams * report.hour.redis_bytes / 3600 * 8
    connectors = max(assumed.connector_instances, math.ceil(bits / CONNECTOR_BITS_A_SECOND))
    rounds = HOURS_A_MONTH * 60
    sweeps = report.sweeps
    swept = sum(service.billed_s * _second(name, price) for name, service in sweeps.services.items())
    swept += sum(service.requests for service in sweeps.services.values()) * price["run_requests"]
    swept += sweeps.storage_operations.get("list", 0) * price["storage_class_a"]
    swept += sweeps.firestore.get("reads", 0) * price["firestore_reads"]
    swept += sum(service.log_bytes for service in sweeps.services.values()) / GIB * price["logging"]
    lines = {
        "Memorystore": redis_gib * HOURS_A_MONTH * price[assumed.redis_tier],
        "VPC connector": connectors * HOURS_A_MONTH * price["connector"],
        "sweeps": swept * rounds,
        "Cloud Scheduler": sweeps.requests.get("sweep", 0) * price["scheduler"],
        "Secret Manager": assumed.secrets * price["secret"],
    }
    if assumed.load_balancer:
        lines["load balancer"] = HOURS_A_MONTH * price["load_balancer"]
    if assumed.min_instances:
        kept = (SIZES[name] for name in ("ingest", "segmenter", "transcribe", "api"))
        second = sum(size.vcpus * price["run_idle_cpu"] + size.gib * price["run_idle_memory"] for size in kept)
        lines["min instances"] = assumed.min_instances * HOURS_A_MONTH * 3600 * second
    return lines


def gpu_seconds(report: Report, hours_a_day: float, assumed: Assumptions) -> float:
    """Seconds for which L4 instances are billed, for an hour of audio: whole lives, from the first request to the idle end."""
    streams = streams_at(hours_a_day, assumed)
    some_meeting_s = instance_seconds(3600 + assumed.whisper_idle_s, 0.0, streams)
    return max(some_meeting_s, report.whisper.audio_s * assumed.whisper_factor / assumed.utilization)


def whisper_costs(report: Report, price: Prices, hours_a_day: float, assumed: Assumptions) -> dict[str, float]:
    """USD for an hour of audio, by who recognises it."""
    size = SIZES["whisper"]
    second = price["run_l4"] + size.vcpus * price["run_instance_cpu"] + size.gib * price["run_instance_memory"]
    return {
        "L4 on Cloud Run": gpu_seconds(report, hours_a_day, assumed) * second,
        "hosted API": report.whisper.audio_s * price["hosted_whisper"],
    }


def total(report: Report, price: Prices, hours_a_day: float, assumed: Assumptions, whisper: str = "") -> float:
    """USD for an hour of audio, everything together; `whisper` as `whisper_costs` names it, or none."""
    hours_a_month = hours_a_day * DAYS_A_MONTH
    cost = sum(hour_costs(report, price, hours_a_day, assumed).values())
    cost += sum(month_costs(report, price, hours_a_day, assumed).values()) / hours_a_month
    return cost + (whisper_costs(report, price, hours_a_day, assumed)[whisper] if whisper else 0.0)
