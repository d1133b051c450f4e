"""Runs of one target in a child process: its corpus, its limits, and what became of it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.fuzz.target import Target

TIMEOUT_S: Final = 30
"""One input may take so long on a machine that does other things too. It is no measurement: what hangs, hangs for longer."""
RSS_MIB: Final = 1_536
_STATUS: Final = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+).*?corp: (\d+)")
_RUNS: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_ENVIRONMENT: Final = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Outcome:
    """What one target's run came to."""

    group: str
    target: str
    runs: int
    coverage: int
    """Edges of instrumented code that were seen."""
    corpus: int
    seconds: float
    found: Path | None
    """The input that broke something."""
    output: str

    @property
    def result(self) -> str:
        """For the table."""
        return "ok" if self.found is None else "FOUND"


def write_corpus(folder: Path, inputs: Iterable[bytes]) -> None:
    """Seeds as files, named after their content."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / sha256(data).hexdigest()[:16]).write_bytes(data)


def command(of_group: str, name: str, *arguments: str) -> list[str]:
    """What runs a target in a process of its own."""
    return [sys.executable, "-m", "tests.fuzz.child", of_group, name, *arguments]


def fuzz(
    of_group: str,
    target: Target,
    folder: Path,
    *,
    seed: int,
    seconds: int = 0,
    runs: int = -1,
    deadline_s: int | None = None,
) -> Outcome:
    """Fuzz for so long, or so often. What breaks is kept in `folder` as `crash-…`, `timeout-…`, `oom-…`."""
    corpus = folder / "corpus"
    write_corpus(corpus, target.seeds())
    tokens = folder / "tokens"
    tokens.write_text("".join(f'"{_escaped(token)}"\n' for token in target.tokens or (b"\0" * 8,)))
    arguments = [
        *(f"-seed={seed}", f"-runs={runs}", f"-max_total_time={seconds}", f"-max_len={target.max_bytes}"),
        *(f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={RSS_MIB}", "-print_final_stats=1", "-len_control=0"),
        *(f"-dict={tokens}", f"-artifact_prefix={folder}/", str(corpus)),
    ]
    began_s = time.monotonic()
    with (folder / "log").open("w+", errors="replace") as log:
        limit_s = deadline_s or 10 * seconds + 600
        subprocess.run(
            command(of_group, target.name, *arguments),
            stdout=log,
            stderr=log,
            env=os.environ | _ENVIRONMENT,
            check=False,
            timeout=limit_s,
        )
        log.seek(0)
        output = log.read()
    found = next(
        (path for kind in ("crash", "timeout", "oom", "leak") for path in sorted(folder.glob(f"{kind}-*"))), None
    )
    if found is None and not _RUNS.search(output):
        found = folder / "log"  # it did not even begin, or died without a word
    status = _STATUS.findall(output)
    executed = _RUNS.findall(output) or [each[0] for each in status[-1:]]
    return Outcome(
        of_group,
        target.name,
        int(executed[-1]) if executed else 0,
        int(status[-1][1]) if status else 0,
        int(status[-1][2]) if status else 0,
        time.monotonic() - began_s,
        found,
        output,
    )


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)
