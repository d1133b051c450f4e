"""Metrics that are counted from log lines: `log_metrics.json` beside this file, typed and checked.

No service reads it: Cloud Logging counts the lines. Terraform makes the metrics from that file, and docs/observability.md's table is
generated from it.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=60)]
"""Of a metric, a label or a field. A prefix of the installation comes before a metric's name."""
Bounds = Annotated[tuple[float, ...], Meta(min_length=1, max_length=200)]
FILE_NAME: Final = "log_metrics.json"


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a metric can be split by: a field of the line that has few values, never an id."""

    field: Name
    description: str
    pattern: str = ""
    """RE2 with one group, which is the value; empty: the field as it is."""


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of a line that goes into a distribution. A line where it is null is not counted."""

    field: Name
    unit: Literal["ms", "1"]
    buckets: str
    """Name of the bucket bounds."""


class LogMetric(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counts lines, or puts a number of each into a distribution."""

    event: Name
    """The line's static name, its `message`."""
    services: Annotated[tuple[Literal["ingest", "segmenter", "transcribe", "api"], ...], Meta(min_length=1)]
    """The Cloud Run services, without prefix, whose lines count."""
    description: str
    value: Value | None = None
    """None: lines are counted."""
    where: Mapping[Name, str | bool] = {}
    """Fields that a line must have so to count."""
    labels: Mapping[Name, Label] = {}

    def fields(self) -> Iterator[str]:
        """Every field of the line that the metric reads."""
        yield from self.where
        yield from (label.field for label in self.labels.values())
        if self.value is not None:
            yield self.value.field


class LogMetrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of them. Names are without an installation's prefix."""

    buckets: Mapping[Name, Bounds]
    """Bounds of distributions, ascending; below the first and above the last there is one bucket more each."""
    metrics: Mapping[Name, LogMetric]

    def problems(self) -> Iterator[str]:
        """What the types cannot say."""
        for name, bounds in self.buckets.items():
            if any(before >= after for before, after in pairwise(bounds)):
                yield f"{name}: bounds do not ascend"
        for name, metric in self.metrics.items():
            if metric.value is not None and metric.value.buckets not in self.buckets:
                yield f"{name}: there are no buckets {metric.value.buckets}"


def decode_log_metrics(data: bytes) -> LogMetrics:
    """The metrics in a JSON document. Raises `ValueError` that names what is wrong."""
    metrics = msgspec.json.decode(data, type=LogMetrics)
    if problems := list(metrics.problems()):
        raise ValueError("; ".join(problems))
    return metrics


def log_metrics() -> LogMetrics:
    """The metrics of turnscribe."""
    return decode_log_metrics(files("common").joinpath(FILE_NAME).read_bytes())
