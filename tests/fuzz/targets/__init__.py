"""One small target for each thing that reads foreign bytes. A module is imported only where its targets run: instrumenting takes time."""

from importlib import import_module
from typing import Final

from tests.fuzz.target import Target

GROUPS: Final = ("containers", "decoding", "messages", "names", "ingest", "transcribe")


def group(name: str) -> dict[str, Target]:
    """The targets of one module, by name."""
    targets: tuple[Target, ...] = import_module(f"tests.fuzz.targets.{name}").TARGETS
    return {target.name: target for target in targets}
