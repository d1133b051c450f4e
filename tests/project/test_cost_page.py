"""The tables of docs/cost.md and docs/scaling.md are what was measured, times the list prices."""

import re
from pathlib import Path

import pytest

from bench.cost_model import SIZES, Assumptions, measured, prices, total, whisper_costs
from docs.generate_cost import DEFAULT, PAGES, TABLES, page
from docs.generate_scaling import INGEST_THREADS, INSTANCES, limits
from tests.project.terraform_variables import COMPOSITION, is_variable, variables

COST, SCALING = PAGES
USUAL = {"streams": 2, "minutes": 30, "speed": 10, "chunk_sec": 3, "window_sec": 1, "step_sec": 5}
"""The bench's defaults."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_page_is_up_to_date(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    assert written == page(written), "python docs/generate_cost.py"


def test_every_table_has_a_place() -> None:
    placed = [name for path in PAGES for name in re.findall(r"<!-- table: ([a-z-]+) -->", path.read_text("utf-8"))]
    assert sorted(placed) == sorted(TABLES)


def test_the_page_says_when_and_where_its_numbers_are_from() -> None:
    text = COST.read_text(encoding="utf-8")
    assert f"{measured().date} on a machine with two shared cores" in text
    assert f"{prices().currency}, {prices().region}, looked up on {prices().looked_up}" in text


def test_the_commands_are_those_that_measured() -> None:
    text = COST.read_text(encoding="utf-8")
    for name, report in measured().runs.items():
        changed = "".join(
            f" --{option.replace('_', '-')} {report.settings[option]:g}"
            for option, usual in USUAL.items()
            if report.settings[option] != usual
        )
        assert f"python -m bench.cost{changed}\n" in text
        assert f"**{name}**" in text


def test_what_the_page_says_in_short_is_so() -> None:
    report = measured().runs[DEFAULT]
    assert 1.9 < report.whisper.per_speech_s < 2.2, "twice as much audio as is spoken"
    assert 3.5 < report.stored_bytes["final"] / report.stored_bytes["chunks"] < 4.6, "four times the size"
    assert round(report.speech_s / report.audio_s, 2) == 0.85
    for hours, cheaper in ((6, "hosted API"), (24, "L4 on Cloud Run")):
        costs = whisper_costs(report, prices(), hours, Assumptions())
        assert min(costs, key=costs.__getitem__) == cheaper, "the hosted API below some dozen hours a day"
    for whisper in ("L4 on Cloud Run", "hosted API"):
        share = whisper_costs(report, prices(), 100, Assumptions())[whisper]
        assert share / total(report, prices(), 100, Assumptions(), whisper) > 2 / 3


def test_variables_that_the_scaling_page_names_are_there() -> None:
    changes = SCALING.read_text(encoding="utf-8").partition("## What to change")[2]
    named = set(re.findall(r"`((?:services|network|redis|whisper|settings|firestore)\.[a-z_.]+)`", changes))
    assert {"services.transcribe.max_instances", "network.connector.max_instances", "redis.memory_gb"} <= named
    missing = {name for name in named if not is_variable(COMPOSITION, name)}
    assert missing == set()


def test_the_scaling_page_explains_each_limit_that_is_met_below_100_000_streams() -> None:
    text = SCALING.read_text(encoding="utf-8")
    explained = {
        line.split("|")[1].strip() for line in text.partition("## What to change")[2].splitlines() if "|" in line
    }
    for limit in limits(measured().runs[DEFAULT]):
        assert limit.streams < 100_000
        assert any(limit.what.startswith(each) for each in explained if each), limit.what


def test_sizes_are_those_that_terraform_makes() -> None:
    services = variables(COMPOSITION)["services"]
    for name, instances in INSTANCES.items():
        block = services.partition(f"{name} = optional(object({{")[2].partition("}), {})")[0]
        defaults = {
            key: value.strip('"') for key, value in re.findall(r'(\w+)\s*=\s*optional\(\w+, ("?\w+"?)\)', block)
        }
        assert defaults["max_instances"] == str(instances)
        assert defaults["cpu"] == f"{SIZES[name].vcpus:g}"
        assert defaults["memory"] == f"{SIZES[name].gib:g}Gi"
        if name == "ingest":
            assert defaults["threads"] == str(INGEST_THREADS)
        if name == "transcribe":
            assert int(defaults["workers"]) * 2 == Assumptions().calls_at_a_time, "PROCESSING_THREADS is 2"
    whisper = variables(COMPOSITION.with_name("whisper"))
    assert f"= {SIZES['whisper'].vcpus:g}\n" in whisper["cpu"]
    assert f'= "{SIZES["whisper"].gib:g}Gi"\n' in whisper["memory"]
