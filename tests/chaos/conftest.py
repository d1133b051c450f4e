"""How long, with which seed, on what.

- `make chaos SCHEDULES=200 SEED=1`, or `pytest tests/chaos/test_pipeline_chaos.py --chaos-schedules=200 --chaos-seed=1
  --chaos-stack=both`: the whole pipeline under schedules of faults. `--chaos-only=SEED` replays one.
- `make chaos KILLS=50 SEED=7`, or `pytest tests/chaos/uploads --chaos-kills=50 --chaos-seed=7`: uploader and server killed.
- `make outage OUTAGE=300 SEED=7`, or `pytest tests/chaos/test_whisper_down.py --whisper-outage=300 --chaos-seed=7`.

A plain test run, which does not name this folder, takes the short form.
"""

from dataclasses import dataclass
from typing import Final

import pytest

from tests.chaos.pipeline.installation import StackName

SHORT_KILLS: Final = 4
SHORT_SEED: Final = 1
SHORT_OUTAGE_S: Final = 4.0
SHORT_SCHEDULES: Final = 1
SHORT_STACKS: Final = "local"
"""The emulators take four times the CPU of one machine's adapters."""
STACKS: Final[dict[str, tuple[StackName, ...]]] = {
    "embedded": ("embedded",),
    "runner": ("runner",),
    "cloud": ("cloud",),
    "local": ("embedded", "runner"),
    "both": ("embedded", "cloud"),
    "all": ("embedded", "runner", "cloud"),
}
COMPONENTS: Final[dict[StackName, tuple[str, ...]]] = {
    "embedded": ("redis",),
    "runner": (),
    "cloud": ("emulators",),
}


@dataclass(frozen=True)
class Chaos:
    """`kills` of each victim, drawn from `seed`."""

    kills: int
    seed: int

    @property
    def replay(self) -> str:
        """The command that does the same again, as far as the machine's timing allows."""
        return f"make chaos KILLS={self.kills} SEED={self.seed}"


@dataclass(frozen=True)
class Outage:
    """How long Whisper is down, from a moment that `seed` draws."""

    seconds: float
    seed: int

    @property
    def is_long(self) -> bool:
        """Whether audio comes in real time, and the settings are those of a deployment."""
        return self.seconds > SHORT_OUTAGE_S


def pytest_addoption(parser: pytest.Parser) -> None:
    def option(name: str, default: object, help_text: str, **more: object) -> None:
        parser.addoption(name, default=default, help=help_text, **more)

    option("--chaos-kills", SHORT_KILLS, "kills of each victim", type=int, metavar="N")
    option("--chaos-seed", SHORT_SEED, "seed of files and kills; of the first schedule", type=int, metavar="N")
    schedules = f"schedules of faults on each stack (default: {SHORT_SCHEDULES}, of a few streams)"
    option("--chaos-schedules", None, schedules, type=int, metavar="N")
    option("--chaos-only", None, "the schedule of this seed alone", type=int, metavar="SEED")
    option("--chaos-stack", SHORT_STACKS, "what the pipeline stands on", choices=sorted(STACKS))
    option("--chaos-whisper", "stand-in", "who transcribes", choices=["stand-in", "real"])
    option("--whisper-outage", SHORT_OUTAGE_S, "how long Whisper is down", type=float, metavar="SECONDS")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each schedule, stack by stack."""
    if "scheduled" not in metafunc.fixturenames:
        return
    config = metafunc.config
    only = config.getoption("--chaos-only", default=None)
    first = config.getoption("--chaos-seed", default=SHORT_SEED) if only is None else only
    count = 1 if only is not None else config.getoption("--chaos-schedules", default=None) or SHORT_SCHEDULES
    stacks = STACKS[config.getoption("--chaos-stack", default=SHORT_STACKS)]
    whisper = ("whisper",) if config.getoption("--chaos-whisper", default="stand-in") == "real" else ()
    wanted = [
        pytest.param((stack, seed), id=f"{stack}-{seed}", marks=pytest.mark.component(*COMPONENTS[stack], *whisper))
        for stack in stacks
        for seed in range(first, first + count)
    ]
    metafunc.parametrize("scheduled", wanted)


@pytest.fixture
def chaos(pytestconfig: pytest.Config) -> Chaos:
    return Chaos(
        pytestconfig.getoption("--chaos-kills", default=SHORT_KILLS),
        pytestconfig.getoption("--chaos-seed", default=SHORT_SEED),
    )


@pytest.fixture(scope="session")
def outage(pytestconfig: pytest.Config) -> Outage:
    return Outage(
        pytestconfig.getoption("--whisper-outage", default=SHORT_OUTAGE_S),
        pytestconfig.getoption("--chaos-seed", default=SHORT_SEED),
    )
