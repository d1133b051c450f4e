"""The figures of `bench.cost`: what is made of two readings of the counters, their JSON, and their table. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

SERVICES: Final = ("ingest", "segmenter", "transcribe", "api")
Numbers = dict[str, float]


class Service(msgspec.Struct, frozen=True):
    """What one service spent."""

    cpu_s: float
    """User and system, of its gunicorn with all workers."""
    requests: float
    request_s: float
    """From the first byte of the application's work to its end; Whisper answers at once here."""
    billed_s: float
    """The same, each request rounded up to 100 ms: what an instance costs that has one request at a time."""
    log_bytes: float


class Used(msgspec.Struct, frozen=True):
    """What was used, of everything that is paid for or has a limit."""

    services: dict[str, Service]
    requests: Numbers
    """By what they are for."""
    messages: Numbers
    """Published, by topic."""
    message_bytes: Numbers
    published_billed_bytes: Numbers
    """With at least 1,000 for each message, as Pub/Sub bills publishing."""
    pushed_billed_bytes: float
    """The same for all pushes, those that came again included."""
    storage_operations: Numbers
    """`insert` and `list` are of class A, `read` and `metadata` of class B, `delete` is free."""
    firestore: Numbers
    """Documents: `reads`, `writes`, `deletes`; `written_bytes` of all writes."""
    segments: Numbers
    segment_s: Numbers
    """Seconds of audio that was announced, padding included."""
    redis_commands: float
    redis_bytes: float
    """To and from the server."""

    @property
    def segments_announced(self) -> float:
        """Revisions of segments, live ones included."""
        return sum(self.segments.values())


class Whisper(msgspec.Struct, frozen=True):
    """What Whisper was asked, for an hour of audio."""

    calls: float
    audio_s: float
    per_speech_s: float
    """Seconds of audio that were sent for each second of speech."""


class Report(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    settings: dict[str, float]
    """How the meetings were played, and what differs from the defaults."""
    audio_s: float
    speech_s: float
    hour: Used
    """For an hour of audio; what sweeps use without a stream is not in it."""
    sweeps: Used
    """For one round of the four sweeps while nothing is open."""
    whisper: Whisper
    stored_bytes: Numbers
    """In the bucket, for an hour of audio, by kind."""
    redis_bytes_per_connection: float
    """The most that the keys of one connection took."""
    firestore_reads_per_transcript: float
    """Of reading a whole transcript, for each hour of it."""
    resident_bytes: dict[str, float]
    """Memory of each service at the end."""


def used(before: Mapping[str, Numbers], after: Mapping[str, Numbers], times: float = 1.0) -> Used:
    """`times` the difference between two readings. A reading has the counters of each service, with `cpu_s` and `log_bytes`, and
    those of `redis`."""
    spent = {
        name: {key: (value - before[name].get(key, 0)) * times for key, value in after[name].items()} for name in after
    }
    total: Numbers = {}
    for service in SERVICES:
        for key, value in spent[service].items():
            total[key] = total.get(key, 0) + value
    published, billed = _of(total, "messages"), _of(total, "billed_bytes")
    pushes = sum(count for kind, count in _of(total, "requests").items() if kind.startswith("push "))
    messages = sum(published.values())
    return Used(
        services={name: _service(spent[name]) for name in SERVICES},
        requests=_of(total, "requests"),
        messages=published,
        message_bytes=_of(total, "message_bytes"),
        published_billed_bytes=billed,
        pushed_billed_bytes=_rounded(sum(billed.values()) * pushes / messages if messages else 0.0),
        storage_operations=_of(total, "storage"),
        firestore=_of(total, "firestore"),
        segments=_of(total, "segments"),
        segment_s=_of(total, "segment_seconds"),
        redis_commands=_rounded(spent["redis"]["commands"]),
        redis_bytes=_rounded(spent["redis"]["bytes"]),
    )


def _service(spent: Numbers) -> Service:
    return Service(
        cpu_s=_rounded(spent["cpu_s"]),
        requests=_rounded(sum(_of(spent, "requests").values())),
        request_s=_rounded(sum(_of(spent, "request_seconds").values())),
        billed_s=_rounded(sum(_of(spent, "billed_seconds").values())),
        log_bytes=_rounded(spent["log_bytes"]),
    )


def _of(numbers: Numbers, group: str) -> Numbers:
    """The members of a group, without those that stayed as they were; `health` is the bench's own."""
    found = {key.partition(":")[2]: _rounded(value) for key, value in numbers.items() if key.startswith(f"{group}:")}
    return {key: value for key, value in sorted(found.items()) if value and key != "health"}


def _rounded(value: float) -> float:
    return round(value, 3) if abs(value) < 100 else round(value, 1)


def table(report: Report) -> str:
    """The report for people."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    shown: list[tuple[str, Any]] = []
    for title, what in (("an hour of audio", report.hour), ("one round of sweeps, nothing open", report.sweeps)):
        shown += [(title, None), *_flat(msgspec.to_builtins(what))]
    rest = {name: getattr(report, name) for name in report.__struct_fields__ if name not in {"hour", "sweeps"}}
    for title, value in [*shown, ("besides", None), *_flat(msgspec.to_builtins(rest))]:
        yield f"\n{title}" if value is None else f"  {title:<48}{value:>16,.10g}"


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    for key, each in value.items():
        if isinstance(each, Mapping):
            yield from _flat(each, f"{before}{key} ")
        else:
            yield f"{before}{key}", each
