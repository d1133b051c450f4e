"""Every metric of log_metrics.json counts lines that the code really writes, by fields that it really gives them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from common.log_metrics import LogMetric, log_metrics
from common.logs import ID_KEYS
from docs.generate_metrics import PAGE, page

LEVELS: Final = {"debug", "info", "warning", "error", "exception"}
COUNTED_LEVELS: Final = LEVELS - {"debug"}
"""What is written at INFO, the level of an installation."""
WRITTEN_BY: Final = {
    "common": {"ingest", "segmenter", "transcribe", "api"},
    "ingest_service": {"ingest"},
    "segmenter_service": {"segmenter"},
    "transcribe_service": {"transcribe", "api"},
}
FEW_VALUES: Final = {
    *(
        "area",
        "error_type",
        "event_type",
        "final",
        "kind",
        "live",
        "outcome",
        "reason",
        "status",
        "subscription",
        "sweep",
    ),
}
"""Fields whose values are slugs in the code, names of classes, routes or subscriptions, or digits: what metrics may be split by."""
METRICS: Final = log_metrics().metrics


class Line(NamedTuple):
    """A place in the code that writes a line."""

    folder: str
    event: str
    level: str
    fields: frozenset[str]


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(node.value, ast.Constant)
        ):
            yield node.target.id, str(node.value.value)


def _lines(folder: str, tree: ast.Module, constants: dict[str, str]) -> Iterator[Line]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[first, *_], keywords=given):
                event = constants.get(first.id, "") if isinstance(first, ast.Name) else ast.literal_eval(first)
                yield Line(folder, event, level, frozenset(each.arg for each in given if each.arg))


@pytest.fixture(scope="module")
def lines(root: Path) -> list[Line]:
    """All of the services' log calls."""
    parsed = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for folder in WRITTEN_BY
        for path in sorted((root / folder).rglob("*.py"))
        if "embedded" not in path.parts
    }
    constants = dict(pair for tree in parsed.values() for pair in _constants(tree))
    return [line for path, tree in parsed.items() for line in _lines(path.relative_to(root).parts[0], tree, constants)]


def test_the_scan_finds_what_is_written(lines: list[Line]) -> None:
    assert len(lines) > 50
    assert {level for _, _, level, _ in lines} <= LEVELS
    assert Line("common", "request", "info", frozenset({"method", "route", "area", "status", "took_ms"})) in lines


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_counts_lines_that_are_written_with_its_fields(name: str, lines: list[Line]) -> None:
    metric = METRICS[name]
    written = [line for line in lines if line.event == metric.event]
    assert written, f"nothing logs {metric.event}"
    assert all(line.level in COUNTED_LEVELS for line in written), "not written at INFO"
    for line in written:
        assert set(metric.fields()) <= line.fields, f"a line {metric.event} lacks a field"


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_looks_at_the_services_that_write_its_lines(name: str, lines: list[Line]) -> None:
    metric = METRICS[name]
    folders = {line.folder for line in lines if line.event == metric.event}
    assert set(metric.services) <= set().union(*(WRITTEN_BY[folder] for folder in folders))
    for folder in folders - {"common"}:
        assert WRITTEN_BY[folder] & set(metric.services), f"nobody counts what {folder} writes"


@pytest.mark.parametrize("name", METRICS)
def test_labels_have_few_values_and_are_no_ids(name: str) -> None:
    for key, label in METRICS[name].labels.items():
        assert label.field in FEW_VALUES
        assert not {key, label.field} & {*ID_KEYS, "route"}
        assert not key.endswith("_id")


def test_no_two_metrics_say_the_same() -> None:
    def without_words(metric: LogMetric) -> tuple[object, ...]:
        return metric.event, metric.value, tuple(metric.where.items()), tuple(metric.labels)

    assert len({without_words(metric) for metric in METRICS.values()}) == len(METRICS)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python docs/generate_metrics.py"
