"""The cloud that rollouts are tested on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloudbuild.cloud import Cloud, serving_cloud


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """Four services at the revisions of one commit, and images of another."""
    with serving_cloud(tmp_path) as made:
        yield made
