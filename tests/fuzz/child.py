"""Targets in a process of their own, under atheris: `python -m tests.fuzz.child GROUP TARGET [libFuzzer's arguments]`.

The process may have MEMORY_BYTES of address space and no more, so that what would fill a machine fails here as a MemoryError.
TARGET may be `all`: the first byte of each input chooses among the group's; and so may GROUP, for those of every group.
"""

import resource
import sys
import warnings
from collections.abc import Callable
from typing import Final

from tests.fuzz.targets import GROUPS, group

MEMORY_BYTES: Final = 3 << 30
PACKAGES: Final = [
    "common",
    "segmenter_service",
    "ingest_service",
    "transcribe_service",
    "werkzeug.formparser",
    "werkzeug.http",
    "werkzeug.sansio.multipart",
]
"""Whose branches guide the search: the services, and the one parser of theirs that is somebody else's Python."""
ALL: Final = "all"


def limit_memory(size_bytes: int = MEMORY_BYTES) -> None:
    """From here on this process has so much address space."""
    resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))


def quiet() -> None:
    """Nothing that a refused input makes the services log, nor libav, is worth a line."""
    import av.logging
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    av.logging.set_level(None)
    warnings.simplefilter("ignore")


def function(of_group: str, name: str) -> Callable[[bytes], None]:
    """What an input is given to."""
    targets = {each: run for one in (GROUPS if of_group == ALL else (of_group,)) for each, run in group(one).items()}
    if name != ALL:
        return targets[name].run
    runs = [targets[each].run for each in sorted(targets)]
    return lambda data: runs[data[0] % len(runs)](data[1:]) if data else None


def main() -> None:
    """Fuzz, or replay the inputs that the arguments name."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # there is no wheel for every Python

    limit_memory()
    of_group, name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=PACKAGES):
        run = function(of_group, name)
    quiet()
    atheris.Setup([f"fuzz {name}", *arguments], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
