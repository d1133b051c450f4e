"""Waiting for what happens in another thread or process."""

import time
from collections.abc import Callable


def until(
    happened: Callable[[], object], what: str = "it happens", within_s: float = 240.0, every_s: float = 0.05
) -> None:
    """Return once `happened()` is true; asked every `every_s`. Fails after `within_s`, which only bounds a hopeless case."""
    deadline_s = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline_s, f"not within {within_s:g} s: {what}"
        time.sleep(every_s)
