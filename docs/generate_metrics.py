"""Writes the table of metrics in docs/observability.md from common/log_metrics.json: `make docs`. A test compares; nobody edits the table."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from common.log_metrics import LogMetric, log_metrics

PAGE: Final = Path(__file__).with_name("observability.md")
_TABLE: Final = re.compile(r"(<!-- metrics -->\n).*(?=<!-- /metrics -->)", re.DOTALL)


def page() -> str:
    """The whole page: as it is, with the table as the declarations have it."""
    text, places = _TABLE.subn(lambda found: f"{found[1]}\n{''.join(_rows())}\n", PAGE.read_text(encoding="utf-8"))
    if places != 1:
        raise ValueError(f"{PAGE.name} has {places} places for the table")
    return text


def _rows() -> Iterator[str]:
    yield "| metric | counts | of | by | meaning |\n|---|---|---|---|---|\n"
    for name, metric in log_metrics().metrics.items():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        services = ", ".join(metric.services)
        yield f"| `{name}` | {_counted(metric)} | {services} | {labels} | {metric.description} |\n"


def _counted(metric: LogMetric) -> str:
    where = "".join(f", {field} = {_said(value)}" for field, value in metric.where.items())
    line = f"lines `{metric.event}`{where}"
    if metric.value is None:
        return line
    unit = f", {metric.value.unit}" if metric.value.unit != "1" else ""
    return f"distribution of `{metric.value.field}`{unit}, in {line}"


def _said(value: str | bool) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
