"""Twenty streams of different formats at once, while processes die, ways break, clocks jump and disks are full, as a seed says.

Whatever happens: every accepted millisecond is in a segment, in skipped silence or in a named gap; the final transcripts are those of a
run without faults; nothing is there twice; nothing is left over. Real processes, on the embedded adapters and on the emulators.
"""

import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.pipeline.accepted import Accepted
from tests.chaos.pipeline.cloud import Cloud
from tests.chaos.pipeline.embedded import Embedded
from tests.chaos.pipeline.evidence import look
from tests.chaos.pipeline.faults import Schedule, draw
from tests.chaos.pipeline.installation import StackName
from tests.chaos.pipeline.oracle import Reference, differences, judge, reference_of, settled
from tests.chaos.pipeline.runner import Runner
from tests.chaos.pipeline.streams import PlannedStream, planned_streams
from tests.chaos.pipeline.uploaders import start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KINDS: Final[Mapping[StackName, type[Embedded | Runner | Cloud]]] = {
    "embedded": Embedded,
    "runner": Runner,
    "cloud": Cloud,
}
PACE_S: Final = 0.7
"""Between two chunks of a stream: uploads last about as long as faults begin."""
PATIENCE_S: Final = 150.0
"""Of an uploader. Real ones have more; on a machine that is far too busy 90 s were not enough."""
FINISH_S: Final = PATIENCE_S + 30.0
SETTLED_S: Final = 120.0
REAL_WHISPER: Final = {"WHISPER_TIMEOUT_SEC": "8", "WHISPER_BUDGET_SEC": "8"}
"""It takes seconds for what the stand-in says at once. All that a push may take, before it comes again."""
REAL_SETTLED_S: Final = 480.0
SHORT_FORM: Final = ("chromium", "lost chunk", "first of two", "second of two", "flac", "m4a", "no audio")
"""Of the streams, what a plain test run takes: it has a schedule for each stack, and little time."""


class Kept:
    """One installation at a time, started when it is first asked for and kept until one of its schedules has failed."""

    def __init__(self, folder: Path, *, real_whisper: bool, short: bool) -> None:
        self._folder = folder
        self._real_whisper = real_whisper
        self._short = short
        self._running: Embedded | Runner | Cloud | None = None
        self._references: dict[StackName, Reference] = {}
        self._started = 0

    @property
    def settled_s(self) -> float:
        """How long it may take until nothing is left to be done."""
        return REAL_SETTLED_S if self._real_whisper else SETTLED_S

    def get(self, stack: StackName) -> Embedded | Runner | Cloud:
        if self._running is None or self._running.name != stack:
            self.close()
            self._started += 1
            folder, own = self._folder / f"{self._started}-{stack}", REAL_WHISPER if self._real_whisper else {}
            self._running = KINDS[stack](folder, own, real_whisper=self._real_whisper).__enter__()
        return self._running

    def streams(self, stack: StackName) -> tuple[PlannedStream, ...]:
        """What is uploaded, in the run without faults and under each schedule."""
        planned = planned_streams(stack)
        return tuple(each for each in planned if each.name in SHORT_FORM) if self._short else planned

    def reference(self, stack: StackName) -> Reference:
        """What a run without faults says, looked at once."""
        if stack not in self._references:
            installation = self.get(stack)
            accepted = start(installation, self.streams(stack), new_run(stack), PACE_S / 4, PATIENCE_S).finish(FINISH_S)
            assert settled(installation, accepted, self.settled_s), "without any fault it does not settle"
            evidence = look(installation, accepted)
            assert judge(accepted, evidence, None) == []
            self._references[stack] = reference_of(accepted, evidence)
        return self._references[stack]

    def close(self) -> None:
        if self._running is not None:
            self._running.__exit__()
        self._running = None

    def set_aside(self) -> Path:
        """Keep what it stored, and start another one for the next schedule. Returns the folder."""
        installation = self._running
        assert installation is not None
        if installation.data_dir is not None:
            with suppress(shutil.Error):  # files that go while they are copied
                shutil.copytree(installation.data_dir, installation.folder / "data-kept", ignore_dangling_symlinks=True)
        self.close()
        return installation.folder


@pytest.fixture(scope="session")
def kept(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    real = pytestconfig.getoption("--chaos-whisper", default="stand-in") == "real"
    asked_for = pytestconfig.getoption("--chaos-schedules", default=None) or pytestconfig.getoption(
        "--chaos-only", default=None
    )
    installations = Kept(tmp_path_factory.mktemp("chaos"), real_whisper=real, short=asked_for is None)
    yield installations
    installations.close()


def new_run(of: str) -> str:
    """What the ids of one run begin with; those of another one do not."""
    return f"{of}-{secrets.token_hex(3)}"


def under(schedule: Schedule, kept: Kept) -> tuple[Accepted, list[str]]:
    """What was accepted meanwhile, and what is not as it must be afterwards."""
    reference = kept.reference(schedule.stack)
    installation = kept.get(schedule.stack)
    run = new_run(f"{schedule.stack}-{schedule.seed}")
    running = start(installation, kept.streams(schedule.stack), run, PACE_S, PATIENCE_S)
    installation.disturb(schedule, lambda: running.are_opened)
    accepted = running.finish(FINISH_S)
    return accepted, differences(installation, accepted, reference, kept.settled_s)


def test_whatever_fails_and_when_nothing_is_lost_doubled_or_left_over(
    kept: Kept, scheduled: tuple[StackName, int], capsys: pytest.CaptureFixture[str]
) -> None:
    stack, seed = scheduled
    schedule = draw(seed, stack)
    kept.reference(stack)
    began_s = time.monotonic()
    accepted, found = under(schedule, kept)
    took_s = time.monotonic() - began_s
    left_out = kept.get(stack).left_out(schedule)
    with capsys.disabled():
        if left_out:
            print(f"no file system of its own can be mounted here; left out: {', '.join(map(str, left_out))}")
        print(
            f"{schedule} → {len(accepted.streams)} streams in {took_s:.0f} s, {len(found)} differences",
            *found,
            sep="\n  ",
            flush=True,
        )
    if found:
        folder = kept.set_aside()
        listed = "\n".join(found)
        pytest.fail(
            f"{schedule}\nreplay: make chaos STACK={stack} SEED={seed} SCHEDULES=1\nlogs: {folder}\n{listed}",
            pytrace=False,
        )
