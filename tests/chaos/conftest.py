"""How long and with which seed: `make chaos KILLS=50 SEED=7`, or `pytest tests/chaos --chaos-kills=50 --chaos-seed=7`.

`make outage OUTAGE=300 SEED=7`, or `pytest tests/chaos/test_whisper_down.py --whisper-outage=300 --chaos-seed=7`.

A plain test run, which does not name this folder, takes the short form.
"""

from dataclasses import dataclass
from typing import Final

import pytest

SHORT_KILLS: Final = 4
SHORT_SEED: Final = 1
SHORT_OUTAGE_S: Final = 4.0


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
    parser.addoption("--chaos-kills", type=int, default=SHORT_KILLS, metavar="N", help="kills of each victim")
    parser.addoption("--chaos-seed", type=int, default=SHORT_SEED, metavar="N", help="seed of files and kills")
    parser.addoption(
        "--whisper-outage", type=float, default=SHORT_OUTAGE_S, metavar="SECONDS", help="how long Whisper is down"
    )


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
