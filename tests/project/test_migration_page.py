"""docs/migration.md says of every name of the earlier deployment what became of it, and what it says is there."""

import re
from pathlib import Path

import pytest

from docs.generate_settings import SECTIONS
from tests.earlier_deployment import EARLIER_NAMES
from tests.project.terraform_variables import COMPOSITION, is_variable, outputs, variables

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "migration.md"
TEXT = PAGE.read_text(encoding="utf-8")
TABLE = TEXT.partition("| earlier |")[2].partition("\n\n")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()[2:]]
SERVICES = {"ingest": "ingest_service", "segmenter": "segmenter_service", "transcribe": "transcribe_service"}
STEPS = TEXT.partition("## Step by step")[2]


def test_every_name_of_the_earlier_deployment_has_one_row() -> None:
    assert sorted(row[0] for row in ROWS) == sorted(EARLIER_NAMES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_row_names_is_there(row: list[str]) -> None:
    setting, _, whose = row[1].partition(" of ")
    sections = [cls for title, cls in SECTIONS if setting.lower() in cls.__struct_fields__]
    assert sections, f"there is no setting {setting}"
    for service in re.findall(r"[a-z]+", whose):
        if service in SERVICES:
            cls = next(each for title, each in SECTIONS if title == SERVICES[service])
            assert setting.lower() in cls.__struct_fields__, f"{service} has no {setting}"
    for name in re.findall(r"`([a-z_.]+)`", row[2]):
        assert is_variable(COMPOSITION, name), f"modules/turnscribe has no variable {name}"
    assert row[2] == "not in the cloud" or "`" in row[2]


@pytest.mark.parametrize("row", [row for row in ROWS if row[2].startswith("`settings.")], ids=lambda row: row[0])
def test_a_setting_that_goes_into_settings_may(row: list[str]) -> None:
    settings = (COMPOSITION / "settings.tf").read_text(encoding="utf-8")
    owned = settings.partition("owned_settings = toset([")[2].partition("])")[0]
    assert f'"{row[1].partition(" ")[0]}"' not in owned


def test_units_are_those_of_the_settings() -> None:
    for row in ROWS:
        assert row[0].endswith("_SEC") <= ("econds" in row[3] or row[2] == "not in the cloud"), row[0]
        ranged = re.match(r"Seconds(?: of audio)?, (\d+) to (\d+)", row[3])
        if ranged and row[0] != "SPEAKER_DELAY_SEC":
            line = next(
                line
                for line in (ROOT / "docs/settings.md").read_text("utf-8").splitlines()
                if f"| `{row[0]}` |" in line
            )
            assert f"| {ranged[1]} to {ranged[2]} |" in line


def test_variables_and_outputs_that_the_steps_name_are_there() -> None:
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", STEPS)) - {"problems"}
    assert {"engine_api", "domains", "dns_records"} <= named
    assert named <= variables(COMPOSITION).keys() | outputs(COMPOSITION)


def test_files_that_the_page_names_are_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / link).exists(), link
