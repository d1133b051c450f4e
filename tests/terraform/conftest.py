"""The environments, applied on a mocked provider once for all tests that read them."""

import fcntl
import pickle
from pathlib import Path

import pytest

from tests.components import turned_out_missing
from tests.terraform.installation import ENVIRONMENTS, Installation, Unreachable, installation


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Each environment as Terraform would make it. Where no provider can be had, terraform is missing."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # a process of pytest-xdist: the folder of all of them is one further up
        shared = shared.parent
    try:
        return _once(shared / f"terraform-{request.param}", request.config.rootpath, request.param)
    except Unreachable as error:
        turned_out_missing(request.config, "terraform", str(error))


def _once(kept: Path, root: Path, environment: str) -> Installation:
    """Made by whichever process comes first. Raises `Unreachable` where providers can't be had."""
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(installation(root, environment)))
        read: Installation = pickle.loads(kept.read_bytes())  # noqa: S301 -- this run's own
        return read
