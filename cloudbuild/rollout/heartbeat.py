"""Whether a revision is well and is the one that was meant: its /health/ready and /health/version."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from cloudbuild.rollout.clock import Clock
from cloudbuild.rollout.errors import RolloutError
from cloudbuild.rollout.web import NoAnswer, ask

TIMEOUT_S: Final = 30
"""A first instance may have to start for it."""


class Unwell(Exception):
    """The heartbeat is missing or wrong. May pass."""


def check(url: str, token: str, commit: str) -> None:
    """Raises `Unwell` unless the service at `url` is ready and was built from `commit`."""
    try:
        ready = ask(f"{url}/health/ready", token=token, timeout_s=TIMEOUT_S)
        version = ask(f"{url}/health/version", token=token, timeout_s=TIMEOUT_S)
    except NoAnswer as error:
        raise Unwell(f"no answer: {error}") from error
    if ready.status in (401, 403):
        raise Unwell(f"/health/ready answers {ready.status}: the account of this build may not invoke the service")
    if ready.status != 200:
        raise Unwell(f"/health/ready answers {ready.status}: {ready.body[:500].decode(errors='replace')}")
    said = version.json()
    revision = said.get("revision") if isinstance(said, dict) else None
    if version.status != 200 or revision != commit:
        raise Unwell(f"/health/version answers {version.status} and names revision {revision!r} instead of {commit}")


def wait_until_well(
    url: str, token: Callable[[], str], commit: str, *, within_s: float, poll_s: float, clock: Clock
) -> None:
    """Ask until the heartbeat is right. Raises `RolloutError` with the last thing that was wrong after `within_s`."""
    end = clock.now() + timedelta(seconds=within_s)
    while True:
        try:
            check(url, token(), commit)
        except Unwell as problem:
            if clock.now() >= end:
                raise RolloutError(f"no heartbeat within {within_s:g} s: {problem}") from problem
            clock.sleep(poll_s)
        else:
            return
