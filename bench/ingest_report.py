"""The figures of `bench.ingest`: their JSON, and their table. Pure."""

from collections.abc import Callable, Iterator

import msgspec


class Requests(msgspec.Struct, frozen=True):
    """What requests to one server over one number of connections took."""

    requests_per_s: float
    cpu_ms: float
    """Of each request; the sum of the two below."""
    user_ms: float
    system_ms: float


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `--json` prints."""

    cpu_ms_per_chunk: float
    """On the embedded adapters; like the two below over all numbers of connections, each of which has as many requests."""
    cpu_ms_bare_route: float
    ratio: float
    chunks: int
    """To each server."""
    chunk_bytes: int
    servers: dict[str, dict[int, Requests]]
    """By server and number of connections."""
    cpu_ms_per_call: dict[str, float]
    """Of adapters and client libraries, called directly."""
    cpu_ms_per_chunk_cloud: float | None = None
    """On the cloud's adapters, with `--cloud`."""


def table(report: Report) -> str:
    """The report for people."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    connections = list(next(iter(report.servers.values())))
    title = f"{report.chunks} chunks of {report.chunk_bytes} bytes to each"
    yield f"{title:<48}" + "".join(f"{name:>16}" for name in report.servers)
    for number in connections:
        yield _row(f"CPU ms per request, {_connections(number)}", report, number, lambda of: f"{of.cpu_ms:.3f}")
        yield _row("  user + system", report, number, lambda of: f"{of.user_ms:.3f} + {of.system_ms:.3f}")
    for number in connections:
        yield _row(f"requests/s, {_connections(number)}", report, number, lambda of: f"{of.requests_per_s:.0f}")
    yield ""
    for name, value in (
        ("CPU ms per stored chunk, embedded adapters", report.cpu_ms_per_chunk),
        ("CPU ms per stored chunk, cloud's adapters", report.cpu_ms_per_chunk_cloud),
        ("CPU ms per request, bare route", report.cpu_ms_bare_route),
    ):
        if value is not None:
            yield f"{name:<56}{value:>8.3f}"
    yield f"{'ratio of the embedded adapters to the bare route':<56}{report.ratio:>8.2f}"
    yield ""
    yield "CPU ms of one call, made directly"
    for name, cost_ms in report.cpu_ms_per_call.items():
        yield f"  {name:<54}{cost_ms:>8.3f}"


def _row(title: str, report: Report, connections: int, shown: Callable[[Requests], str]) -> str:
    return f"{title:<48}" + "".join(f"{shown(of[connections]):>16}" for of in report.servers.values())


def _connections(number: int) -> str:
    return f"{number} connection" if number == 1 else f"{number} connections"
