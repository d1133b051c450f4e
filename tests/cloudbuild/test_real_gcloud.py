"""The double at the process boundary must not know options that the real gcloud does not."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cloudbuild.build_file import FILES, BuildFile
from tests.cloudbuild.cloud import NEW, Cloud

GCLOUD = shutil.which("gcloud")
pytestmark = [
    pytest.mark.component("gcloud"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


def refused(arguments: list[str], folder: Path) -> str:
    """What gcloud has against the arguments; empty where it goes on and finds that nobody is logged in."""
    assert GCLOUD
    done = subprocess.run(
        [GCLOUD, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CLOUDSDK_CONFIG": str(folder / "gcloud"),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return "" if "active account" in done.stderr else f"{' '.join(arguments)}: {done.stderr}"


def test_gcloud_knows_every_command_and_option_of_a_rollout(cloud: Cloud, tmp_path: Path) -> None:
    with cloud.changed() as state:
        state["builds"] = [[{"id": "mine", "startTime": "2026-01-01T10:00:00Z"}]]
    ended = cloud.rollout(
        NEW,
        *("--build=mine", "--build-project=builds", "--build-region=europe-west1"),
        *("--recording=turnscribe/demo/conversation.webm", "--token-secret=check"),
    )
    assert ended.status == 0, ended.said
    cloud.fault("--update-tags=candidate", "fails")
    cloud.rollout("1" * 40)
    shapes = {re.sub(r"dev-\w+|=\S+", "", call): call for call in cloud.calls("")}
    assert len(shapes) == 11
    assert [problem for call in shapes.values() if (problem := refused(call.split(), tmp_path))] == []


def test_gcloud_knows_every_command_and_option_of_the_builds(tmp_path: Path) -> None:
    scripts = "\n".join(step["script"] for name in FILES for step in BuildFile(name).steps)
    calls = re.findall(r"gcloud ((?:storage|pubsub) [^;\n]+)", scripts)
    assert len(calls) >= 6
    shapes = {re.sub(r'(?<= )("[^ ]*"|[a-z$][^ ]*)', "", call): call for call in calls}
    for call in shapes.values():
        words = call.split()
        named = [
            word if number < 2 or word.startswith("--") else "gs://a-bucket/object" for number, word in enumerate(words)
        ]
        arguments = named if words[0] == "storage" else ["pubsub", "topics", "publish", "a-topic", "--message={}"]
        assert refused(arguments, tmp_path) == ""
