"""`python -m tests.fuzz`: fuzz every target for a while, and print a table. Ends with 1 where something was found."""

import argparse
import importlib.util
import shlex
import sys
from pathlib import Path
from tempfile import mkdtemp

from tests.fuzz.session import Outcome, command, fuzz
from tests.fuzz.targets import GROUPS, group


def main() -> int:
    """See the module."""
    targets = {name: (each, target) for each in GROUPS for name, target in group(each).items()}
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz what reads foreign bytes.")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--target", action="append", choices=sorted(targets), help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, default=1, help="libFuzzer's (default: 1)")
    parser.add_argument("--folder", type=Path, help="where corpora and findings go, and what a longer run goes on from")
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is missing: it has wheels for Linux on x86-64 and Python 3.11 to 3.13.", file=sys.stderr)
        return 2
    folder = given.folder.absolute() if given.folder else Path(mkdtemp(prefix="turnscribe-fuzz-"))
    print(f"Corpora, logs and findings: {folder}")
    print(f"{'target':<20} {'runs':>9} {'edges':>6} {'corpus':>6} {'seconds':>7}  result")
    outcomes = []
    for name in given.target or targets:
        of_target = folder / name.replace(" ", "-")
        of_target.mkdir(parents=True, exist_ok=True)
        of_group, target = targets[name]
        outcomes.append(fuzz(of_group, target, of_target, seed=given.seed, seconds=given.seconds))
        _print(outcomes[-1])
    found = [outcome for outcome in outcomes if outcome.found]
    for outcome in found:
        print(f"\n{outcome.target}: {_last_lines(outcome.output)}")
        print(f"To replay: {shlex.join(command(outcome.group, outcome.target, str(outcome.found)))}")
    return 1 if found else 0


def _print(outcome: Outcome) -> None:
    numbers = f"{outcome.runs:>9} {outcome.coverage:>6} {outcome.corpus:>6} {outcome.seconds:>7.0f}"
    print(f"{outcome.target:<20} {numbers}  {outcome.result}", flush=True)


def _last_lines(output: str) -> str:
    """The exception, where there is one."""
    begin = output.rfind("=== Uncaught Python exception")
    return output[begin if begin >= 0 else -1_500 :][:2_500]


if __name__ == "__main__":
    sys.exit(main())
