"""Short, seeded runs of every fuzz target, and every input again that once broke something. `make fuzz` runs for longer."""

from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.fuzz.child import ALL
from tests.fuzz.mutation import inputs
from tests.fuzz.session import fuzz
from tests.fuzz.target import Target
from tests.fuzz.targets import GROUPS, group

RUNS: Final = 1_600
MUTATIONS: Final = 40
REGRESSIONS: Final = sorted((Path(__file__).parent / "regressions").glob("*/*"))


def whole() -> Target:
    """All targets of all groups as one, whose inputs begin with a byte that chooses: one process instruments what they import, once."""
    targets = {name: target for each in GROUPS for name, target in group(each).items()}
    chosen = [(bytes([index]), targets[each]) for index, each in enumerate(sorted(targets))]

    def seeds() -> list[bytes]:
        """Few of each: every one of them is run before anything is mutated."""
        draw = Random(1)
        return [begin + draw.choice(target.seeds()) for begin, target in chosen for _ in range(2)]

    tokens = tuple(token for _, target in chosen for token in target.tokens)
    return Target(ALL, lambda _data: None, seeds, tokens=tokens)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.component("atheris")
def test_coverage_guided_inputs_break_nothing(tmp_path: Path) -> None:
    outcome = fuzz(ALL, whole(), tmp_path, seed=1, runs=RUNS, deadline_s=840)
    assert outcome.found is None, outcome.output[-3_000:]
    assert outcome.runs >= RUNS
    assert outcome.coverage > 0


@pytest.mark.parametrize(("of_group", "name"), [(each, name) for each in GROUPS for name in group(each)])
def test_seeds_and_mutations_of_them_break_nothing(of_group: str, name: str) -> None:
    target = group(of_group)[name]
    ran = 0
    for data in inputs(target, 1, MUTATIONS):
        target.run(data)
        ran += 1
    assert ran > MUTATIONS


@pytest.mark.component("atheris")
def test_a_target_that_breaks_is_reported_with_its_input(tmp_path: Path) -> None:
    outcome = fuzz(
        "canary", Target("canary", lambda _data: None, lambda: [b"seed"], tokens=(b"!",)), tmp_path, seed=1, runs=2_000
    )
    assert outcome.found is not None
    assert outcome.found.name.startswith("crash-")
    assert b"!" in outcome.found.read_bytes()
    assert outcome.result == "FOUND"


@pytest.mark.parametrize("kept", REGRESSIONS, ids=lambda kept: kept.name)
def test_what_once_broke_something_does_so_no_more(kept: Path) -> None:
    targets = {name: target for each in GROUPS for name, target in group(each).items()}
    targets[kept.parent.name.replace("-", " ")].run(kept.read_bytes())


def test_every_kept_input_is_small_and_there_are_some() -> None:
    assert REGRESSIONS
    assert all(kept.stat().st_size < 65_536 for kept in REGRESSIONS)
