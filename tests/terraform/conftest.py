"""The environments, applied on a mocked provider once for all tests that read them."""

import fcntl
import pickle
from pathlib import Path

import pytest

from tests.terraform.installation import ENVIRONMENTS, Installation, Unreachable, installation


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Each environment as Terraform would make it. Skipped where no provider can be had."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # a process of pytest-xdist: the folder of all of them is one further up
        shared = shared.parent
    return _once(shared / f"terraform-{request.param}", request.config.rootpath, request.param)


def _once(kept: Path, root: Path, environment: str) -> Installation:
    """Made by whichever process comes first."""
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            try:
                found = installation(root, environment)
            except Unreachable as error:
                pytest.skip(f"Terraform's providers can't be had: {error}")
            kept.write_bytes(pickle.dumps(found))
        read: Installation = pickle.loads(kept.read_bytes())  # noqa: S301 -- this run's own
        return read
