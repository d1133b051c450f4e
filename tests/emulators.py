"""Pytest plugin: the Cloud SDK's emulators, a GCS server and a redis-server of our own, for tests marked `component("emulators")`."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import urllib3

from local_cloud.emulators import PROJECT, Emulators
from local_cloud.processes import Child


@contextmanager
def frozen(server: Child) -> Iterator[None]:
    """A server that accepts connections and answers nothing."""
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    """All four, started once for the run, and this process's environment pointing at them."""
    with (
        Emulators(tmp_path_factory.mktemp("emulators"), os.environ) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("GOOGLE_APPLICATION_CREDENTIALS", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            patch.delenv(name, raising=False)
        for name, value in running.environ.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture
def empty_emulators(emulators: Emulators) -> Emulators:
    """The emulators without topics, subscriptions and documents."""
    pubsub = f"http://127.0.0.1:{emulators.pubsub.port}/reset"
    documents = f"/emulator/v1/projects/{PROJECT}/databases/(default)/documents"
    firestore = f"http://127.0.0.1:{emulators.firestore.port}{documents}"
    assert urllib3.request("POST", pubsub, retries=False, timeout=30).status == 200
    assert urllib3.request("DELETE", firestore, retries=False, timeout=30).status == 200
    return emulators


@pytest.fixture
def bucket(emulators: Emulators) -> str:
    """An empty bucket: cheaper than emptying one."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    emulators.create_bucket(name)
    return name
