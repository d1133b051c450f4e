"""A seed says what happens and when, and nothing that a stack has no place for."""

from collections.abc import Callable

import pytest

from tests.chaos.conftest import STACKS
from tests.chaos.pipeline import faults
from tests.chaos.pipeline.faults import Fault, draw
from tests.chaos.pipeline.installation import StackName
from tests.chaos.pipeline.timing import carry_out

SEEDS = range(1, 400)


@pytest.mark.parametrize("stack", STACKS["all"])
def test_the_same_seed_draws_the_same_and_another_one_something_else(stack: StackName) -> None:
    drawn = [draw(seed, stack) for seed in SEEDS]
    assert drawn == [draw(seed, stack) for seed in SEEDS]
    assert len({schedule.faults for schedule in drawn}) == len(drawn)


@pytest.mark.parametrize("stack", STACKS["all"])
def test_every_victim_link_and_clock_gets_its_turn_and_nobody_else_does(stack: StackName) -> None:
    drawn = [fault for seed in SEEDS for fault in draw(seed, stack).faults]
    targets: dict[str, set[str]] = {}
    for fault in drawn:
        targets.setdefault(fault.kind, set()).add(fault.target)
    assert targets["kill"] == set(faults.VICTIMS[stack])
    assert targets["kill worker"] == set(faults.WITH_WORKERS[stack])
    assert targets["freeze"] == set(faults.FREEZABLE[stack])
    assert targets["cut"] == targets["slow"] == targets["refuse"] == set(faults.LINKS[stack])
    assert targets["clock"] == set(faults.CLOCKS[stack])
    assert set(faults.WITHOUT[stack]).isdisjoint(targets)


def test_a_fault_says_what_it_does() -> None:
    assert str(Fault(1.25, "clock", "ingest", 0.0, -31.0)) == "1.2 s: clock ingest by -31.0 s"
    assert str(Fault(0.5, "freeze", "redis", 2.0)) == "0.5 s: freeze redis for 2.0 s"


def test_a_clock_waits_until_connections_are_opened_and_nothing_else_does() -> None:
    steps: list[tuple[float, str]] = []
    drawn = (Fault(0.0, "clock", "ingest", 0.0, 5.0), Fault(0.0, "kill", "ingest", 0.1))
    looks = iter([False, False, True])

    def note(what: str) -> Callable[[Fault], None]:
        return lambda fault: steps.append((fault.at_s, f"{what} {fault.kind}"))

    carry_out(drawn, note("strike"), note("relieve"), lambda: next(looks))
    assert [what for _, what in steps] == ["strike kill", "relieve kill", "strike clock"]


@pytest.mark.parametrize("stack", STACKS["all"])
def test_no_clock_that_decides_what_is_given_up_jumps_beyond_its_patience(stack: StackName) -> None:
    jumps = [fault for seed in SEEDS for fault in draw(seed, stack).faults if fault.kind == "clock"]
    deciding = [abs(jump.by_s) for jump in jumps if jump.target in {"segmenter", "runner"}]
    assert max(deciding) <= faults.DECIDING_JUMP_S
    assert all(1.0 <= abs(jump.by_s) <= faults.JUMP_S for jump in jumps)
