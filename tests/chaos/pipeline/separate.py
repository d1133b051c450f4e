"""What installations have in common: their settings, fronts and sweeps, and how a schedule is done to them."""

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import redis
import urllib3

from common.settings import Secret
from common.topology import topology
from local_runner.sweep_timer import SweepTimer
from tests.chaos.pipeline.faults import Fault, Schedule
from tests.chaos.pipeline.fronts import Fronts
from tests.chaos.pipeline.installation import StackName
from tests.chaos.pipeline.machine import SmallDisk
from tests.chaos.pipeline.processes import Disturber, Processes
from tests.chaos.pipeline.timing import carry_out

SETTINGS: Final = {
    # What a final transcript follows from: never decided by time as long as no fault lasts longer than this.
    "SPEAKER_DELAY_SEC": "1",
    "SPEAKER_WAIT_SEC": "60",
    "GAP_DEADLINE_SEC": "6",
    # How soon what was lost is looked for.
    "REPUBLISH_AFTER_SEC": "2",
    "TAKE_OVER_SEC": "5",
    "TRANSCRIBER_STEP_SEC": "3",
    "PUSH_ACK_DEADLINE_SEC": "10",
    "WHISPER_TIMEOUT_SEC": "3",
    "WHISPER_BUDGET_SEC": "6",
    "WHISPER_CIRCUIT_SEC": "1",
    "PROCESSING_WAIT_SEC": "1",
    "TOKEN_CACHE_SEC": "1",
    "TRACE_EXPORTER": "none",
}
OWN_SETTINGS: Final[dict[str, dict[str, str]]] = {"ingest": {"GUNICORN_THREADS": "40"}}
"""Of one service: twice as many threads as there are streams, as its setting asks for."""
SWEEP_EVERY_S: Final = 1.0
GUNICORN: Final = (sys.executable, "-m", "gunicorn", "--config", "python:common.gunicorn_conf")


def inherited() -> dict[str, str]:
    """This process's environment, without what would change a service that is started from it."""
    prefixes = ("TURNSCRIBE_", "WHISPER_", "MAX_", "PYTEST_")
    names = {"API_TOKEN", "DATA_DIR", "PORT", "GCS_BUCKET", "REDIS_HOST", "K_SERVICE"}
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes) and name not in names}


def whisper_command(port: int, *, real: bool) -> list[str]:
    """Whisper itself, or a stand-in that says the same of the same audio at once."""
    module = ["whisper_service"] if real else ["tests.chaos.pipeline.whisper_stand_in", str(port)]
    return [sys.executable, "-m", *module]


class Disturbable:
    """The part of every installation that schedules are done to. Use as a context manager, in the thread that disturbs it."""

    name: StackName

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.api_token = secrets.token_hex(8)
        self._push_token = secrets.token_hex(8)
        self.log_folder = folder / "logs"
        self._processes = Processes(self.log_folder, inherited() | SETTINGS | dict(environ))
        self._disk: SmallDisk | None = None
        self._redis_port: int | None = None
        self._fronts: Fronts | None = None

    def _bring_up(self) -> None:
        """Start everything; `_fronts` is set afterwards."""
        raise NotImplementedError

    def sweep_urls(self) -> list[str]:
        """What a scheduler posts to."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self._bring_up()
            self._processes.wait_until_ready()
            for url in self.sweep_urls():
                timer = SweepTimer(url, Secret(self._push_token), SWEEP_EVERY_S)
                timer.start()
                self._processes.running.callback(timer.stop, 5.0)
        except BaseException:
            self._processes.running.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.running.close()

    def redis(self) -> "redis.Redis | None":
        return None if self._redis_port is None else redis.Redis("127.0.0.1", self._redis_port, socket_timeout=10)

    def sweep(self) -> None:
        headers = {"Authorization": f"Bearer {self._push_token}"}
        for url in self.sweep_urls():
            with suppress(urllib3.exceptions.HTTPError):
                urllib3.request("POST", url, headers=headers, retries=False, timeout=60.0)

    def left_out(self, schedule: Schedule) -> list[Fault]:
        """What of a schedule can't happen on this machine."""
        can_be_full = self._disk is not None and self._disk.can_be_full
        return [fault for fault in schedule.faults if fault.kind == "disk" and not can_be_full]

    def disturb(self, schedule: Schedule, are_opened: Callable[[], bool]) -> None:
        """Do all of it, in time, and undo it. Returns when everything answers again. For `are_opened` see `carry_out`."""
        assert self._fronts is not None
        disturber = Disturber(self._processes, self._fronts, self._disk, self._redis_port)
        self._fronts.begin(schedule.seed)
        try:
            carry_out(schedule.faults, disturber.strike, disturber.relieve, are_opened)
        finally:
            disturber.heal()


def schedules_of(base_urls: Mapping[str, str]) -> list[str]:
    """The URLs that the topology's schedules post to, at the services of `base_urls`."""
    return [f"{base_urls[each.service]}{each.path}" for each in topology().schedules.values()]
