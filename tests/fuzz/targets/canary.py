"""A target that breaks, so that it is known that breaking is seen."""

from typing import Final

from tests.fuzz.target import Target


def _run(data: bytes) -> None:
    assert b"!" not in data, "an exclamation mark"


TARGETS: Final = (Target("canary", _run, lambda: [b"seed"], tokens=(b"!",)),)
