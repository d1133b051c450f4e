"""The runbook can be followed: every alert has its entry, every command, setting and log line that it names exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from docs.generate_settings import SECTIONS
from tests.project.test_metrics_are_written import Line, lines  # noqa: F401 -- a fixture
from turnscribe.cli import parser

MODULE: Final = Path("terraform/modules/observability")
PARTS: Final = ("What it means for users", "First look", "Mend", "How you know that it is over")
IN_THE_SHELL: Final = {
    *(
        "PROJECT",
        "REGION",
        "PREFIX",
        "BUCKET",
        "DATABASE",
        "BACKUP",
        "LETTER",
        "MEETING",
        "TOKEN_ID",
        "INGEST_URL",
        "API_URL",
    ),
    "TURNSCRIBE_TOKEN",
}
NO_SETTINGS: Final = {"RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "BASIC"}
GCLOUD: Final = {
    *(
        "firestore backups list",
        "firestore databases clone",
        "firestore databases describe",
        "firestore databases list",
    ),
    *("firestore databases restore", "firestore export", "firestore import", "firestore indexes composite list"),
    *("logging read", "pubsub subscriptions describe", "redis instances describe", "redis instances update"),
    *("run revisions list", "run services describe", "run services update", "run services update-traffic"),
    *("scheduler jobs describe", "scheduler jobs list", "scheduler jobs resume"),
    *("secrets versions access", "secrets versions add", "secrets versions disable"),
    *("storage buckets describe", "storage ls", "storage objects describe", "storage restore", "storage rm"),
}
"""Commands that the reference of the gcloud CLI has."""
GOOGLES: Final = {
    "firestore.googleapis.com/api/request_count",
    "firestore.googleapis.com/document/read_ops_count",
    "firestore.googleapis.com/document/write_ops_count",
    "monitoring.googleapis.com/uptime_check/check_passed",
    "pubsub.googleapis.com/subscription/dead_letter_message_count",
    "pubsub.googleapis.com/subscription/num_undelivered_messages",
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age",
    "pubsub.googleapis.com/subscription/push_request_count",
    "pubsub.googleapis.com/subscription/push_request_latencies",
    "redis.googleapis.com/stats/memory/usage_ratio",
    "run.googleapis.com/container/billable_instance_time",
    "run.googleapis.com/container/cpu/utilizations",
    "run.googleapis.com/container/instance_count",
    "run.googleapis.com/container/memory/utilizations",
    "run.googleapis.com/request_count",
}
"""Metrics that Google's list has. Those of our own are looked up by Terraform in log_metrics.json, which fails where one is missing."""


@pytest.fixture(scope="module")
def runbook(root: Path) -> str:
    return (root / "docs/runbook.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def terraform(root: Path) -> str:
    """All of the module's configuration."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((root / MODULE).glob("*.tf")))


def anchors(text: str) -> set[str]:
    """What links can point at, as GitHub names headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def entries(text: str) -> dict[str, str]:
    """Each entry's text by its heading."""
    _, *parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def code(text: str) -> Iterator[str]:
    """What stands in code, block by block and span by span, with continued lines joined."""
    for block, span in re.findall(r"^ *```sh\n(.*?)```|`([^`\n]+)`", text, re.MULTILINE | re.DOTALL):
        yield block or span


def commands(text: str, program: str) -> Iterator[list[str]]:
    """The arguments of every call of `program` that the code of `text` shows."""
    for each in code(text):
        for found in re.findall(rf"(?:^|[\s(]){program} ([a-z][^|;\n]*)", each):
            alone = found[:-2] if found.endswith(')"') and found.count('"') % 2 else found  # in "$(…)"
            yield shlex.split(re.sub(r"\$\{?[A-Z_a-z]+\}?", "x", alone))


def test_every_alert_links_to_an_entry(runbook: str, terraform: str) -> None:
    named = re.findall(r'runbook += "([^"]+)"|runbook = [^"\n]*\? "([^"]+)" : "([^"]+)"', terraform)
    wanted = {anchor for found in named for anchor in found if anchor}
    assert len(wanted) > 15
    assert wanted <= anchors(runbook)


def test_links_within_the_runbook_lead_somewhere(runbook: str) -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", runbook)) <= anchors(runbook)


def test_links_to_other_pages_lead_somewhere(root: Path, runbook: str) -> None:
    pages = set(re.findall(r"\]\(([a-z]+\.md)(?:#[^)]*)?\)", runbook))
    assert pages
    assert [page for page in sorted(pages) if not (root / "docs" / page).is_file()] == []


def test_every_entry_says_what_is_needed(runbook: str) -> None:
    for heading, text in entries(runbook).items():
        begins = "**What you see.**" in text or "**When.**" in text or heading == "Key rotation"
        assert begins, heading
        missing = [part for part in PARTS if f"**{part}.**" not in text]
        allowed = {
            "Rollback": {"What it means for users"},
            "Tenant erasure": {"What it means for users"},
            "Key rotation": {"What it means for users", "First look", "Mend"},
        }
        assert set(missing) <= allowed.get(heading, set()), heading


def test_every_turnscribe_command_exists(runbook: str) -> None:
    found = list(commands(runbook, "turnscribe"))
    assert len(found) > 15
    for arguments in found:
        parser().parse_args(arguments)


def test_every_gcloud_command_is_one_that_was_looked_up(runbook: str) -> None:
    found = [
        " ".join(word for word in arguments[:4] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-"))
        for arguments in commands(runbook, "gcloud")
    ]
    assert len(found) > 30
    unknown = [command for command in found if not any(f"{command} ".startswith(f"{known} ") for known in GCLOUD)]
    assert unknown == []


def test_every_setting_exists(runbook: str) -> None:
    settings = {name.upper() for _, cls in SECTIONS for name in cls.__struct_fields__}
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", runbook))
    assert "WHISPER_SERVICE_URL" in named
    assert {name for name in named - IN_THE_SHELL - NO_SETTINGS if not name.startswith("TF_VAR")} <= settings


def test_every_log_line_is_written(runbook: str, lines: list[Line]) -> None:  # noqa: F811 -- the fixture
    named = set()
    for found in re.findall(r'jsonPayload\.message=(\([^)]*\)|"[^"]*")', runbook):
        named |= set(re.findall(r'"([a-z_]+)"', found))
    assert len(named) > 12
    assert named <= {line.event for line in lines}


def test_the_module_names_only_metrics_that_google_has(terraform: str) -> None:
    named = set(re.findall(r'metric\.type=\\"([a-z]+\.googleapis\.com/[^\\"]+)\\"', terraform))
    assert {name.replace("${what}", what) for name in named for what in ("read", "write")} == GOOGLES
