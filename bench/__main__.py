"""Everything that is promised of speed and size, measured here, in one table.

    python -m bench [--brief] [--only NAME …] [--json]

Runs the other benches one after the other, each in a process of its own, and shows of each what matters: the value, which is this
machine's, and a ratio to something that was measured in the same run, which outlives the machine. Where the project has set itself an
aim, it says whether the value meets it. A full run takes about half an hour of an idle machine with two cores; `--brief` a few
minutes, with fewer repetitions and shorter meetings. A bench that can't run here (no emulators, say) is named, and the others go on.
"""

import argparse
import json
import subprocess
import sys
from typing import Any, Final

import msgspec

from bench.summary import (
    Part,
    Row,
    of_captions,
    of_cold_start,
    of_cost,
    of_growth,
    of_hour,
    of_ingest,
    of_load,
    of_overhead,
    table,
)

TIMEOUT_S: Final = 3_600.0
PARTS: Final = (
    Part("ingest", ("--cloud",), ("--cloud", "--chunks", "320"), of_ingest),
    Part("hour", (), ("--minutes", "3"), of_hour),
    Part("growth", (), ("--minutes", "5"), of_growth),
    Part("overhead", (), ("--streams", "10"), of_overhead),
    Part("captions", (), (), of_captions),
    Part("load", ("--streams", "2,8", "--all"), ("--streams", "2,6", "--seconds", "30", "--all"), of_load),
    Part("cold_start", ("--cloud",), ("--cloud", "--starts", "3"), of_cold_start),
    Part("cost", ("--streams", "1", "--minutes", "20"), ("--streams", "1", "--minutes", "5"), of_cost),
)


def run(part: Part, *, brief: bool) -> dict[str, Any]:
    """What it measured. Raises `RuntimeError` with the end of what it said, `subprocess.TimeoutExpired`."""
    arguments = part.brief if brief else part.arguments
    command = [sys.executable, "-m", f"bench.{part.name}", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-500:] or f"ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Print the table, or one JSON object. Exit status 1 where a bench could not run."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--brief", action="store_true", help="fewer repetitions, shorter meetings")
    parser.add_argument("--only", nargs="+", choices=[part.name for part in PARTS], help="these alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    rows: list[Row] = []
    failed: dict[str, str] = {}
    for part in PARTS:
        if asked.only and part.name not in asked.only:
            continue
        if not asked.json:
            print(f"bench.{part.name} …", file=sys.stderr, flush=True)
        try:
            rows += part.rows(run(part, brief=asked.brief))
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            failed[part.name] = str(error)
    if asked.json:
        print(msgspec.json.encode({"rows": rows, "failed": failed}).decode())
    else:
        print(table(rows))
        for name, why in failed.items():
            print(f"bench.{name} could not run: {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
